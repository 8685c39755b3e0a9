"""What `export` sets, and what must come before NumPy is imported."""

import os
from time import perf_counter

STARTED = perf_counter()
MOVE_SECONDS = 0.2  # the most that a move may take

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # an agent pays for all of its threads

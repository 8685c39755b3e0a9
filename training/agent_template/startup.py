"""What must come before NumPy is imported."""

import os
from time import perf_counter

STARTED = perf_counter()

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # an agent pays for all of its threads

"""Ratios that the project promises, each measured side by side in one run: `make bench`."""

import os

# As in the league worker, which fits and pairs: before NumPy is imported anywhere.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

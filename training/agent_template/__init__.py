"""The player that `export` joins into one main.py: pure Python and NumPy, no JAX."""

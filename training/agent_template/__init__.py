"""The players that `export` joins into one main.py: pure Python and NumPy, no JAX.

Modules here are for all of them; `boards` searches board games, `colony` leads a colony.
"""

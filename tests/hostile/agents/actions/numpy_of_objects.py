# Tries: an array of NumPy that holds anything. Must come out: invalid_action.
try:
    from numpy import array
except ImportError:
    from collections import deque as array


def agent(observation):
    return array([object(), float("nan")])

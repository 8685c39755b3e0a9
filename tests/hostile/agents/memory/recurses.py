# Tries: to call itself without end. Must come out: out_of_memory or exception or killed_by_signal.
import sys

sys.setrecursionlimit(2**31 - 1)


def deeper():
    return deeper()


def agent(observation):
    return deeper()

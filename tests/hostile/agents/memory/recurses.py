# Tries: to call itself without end. Must come out: out_of_memory.
import sys

sys.setrecursionlimit(2**31 - 1)


def deeper():
    held = [0] * 100_000
    return deeper() + held


def agent(observation):
    return deeper()

# Tries: to run over the end of its stack. Must come out: killed_by_signal or out_of_memory.
import ctypes
import sys

sys.setrecursionlimit(2**31 - 1)


@ctypes.CFUNCTYPE(None)
def deeper():
    deeper()


def agent(observation):
    deeper()

# Tries: to crash the interpreter. Must come out: killed_by_signal.
import ctypes


def agent(observation):
    ctypes.string_at(1)

# Tries: to change what small numbers are. Must come out: plays or killed_by_signal, action 5.
import ctypes

VALUE = 24


def agent(observation):
    ctypes.memmove(id(200) + VALUE, id(5) + VALUE, 4)
    return 200

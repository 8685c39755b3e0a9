# Tries: to find a secret among its variables. Must come out: plays, action 0.
import ctypes
import os
import sys


def variables():
    pointer = ctypes.POINTER(ctypes.c_char_p).in_dll(ctypes.CDLL(None), "environ")
    number = 0
    while pointer and pointer[number]:
        yield pointer[number]
        number += 1


def agent(observation):
    print(dict(os.environ), os.getenv(observation.variable), list(variables()))
    print(sys.argv, sys.orig_argv, sys.flags, sys.path, sys.warnoptions, sys._xoptions)
    told = [name for name in os.environ if observation.marker.split("-")[0] in name]
    return len(told)

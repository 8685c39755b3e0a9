# Tries: the system calls of the x32 interface. Must come out: forbidden_call.
import ctypes
import signal

X32 = 0x40000000


def agent(observation):
    signal.signal(signal.SIGSYS, lambda number, frame: None)
    return ctypes.CDLL(None).syscall(X32 | 39)

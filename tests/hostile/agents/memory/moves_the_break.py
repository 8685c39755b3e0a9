# Tries: to grow the heap by moving its end. Must come out: plays, action 0.
import ctypes

libc = ctypes.CDLL(None)
libc.sbrk.restype = ctypes.c_ssize_t
libc.sbrk.argtypes = [ctypes.c_ssize_t]
STEP = 1 << 22


def agent(observation):
    grown = 0
    while libc.sbrk(STEP) != -1:
        grown += STEP
    libc.sbrk(-grown)
    return int(grown > observation.memory_bytes)

# Tries: threads without end by the C library. Must come out: plays, action 0.
import ctypes

libc = ctypes.CDLL(None)
start = ctypes.cast(libc.pause, ctypes.c_void_p)


def agent(observation):
    started = 0
    for _ in range(1000):
        thread = ctypes.c_ulong()
        if libc.pthread_create(ctypes.byref(thread), None, start, None) != 0:
            break
        started += 1
    return max(0, started - observation.threads)

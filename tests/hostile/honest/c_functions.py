# Needs: functions and structures of the C library. Must come out: plays, action 4.
import ctypes

libc = ctypes.CDLL(None)


@ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int))
def compare(one, other):
    return one[0] - other[0]


def agent(observation):
    numbers = (ctypes.c_int * 4)(9, 4, 7, 5)
    libc.qsort(numbers, 4, ctypes.sizeof(ctypes.c_int), compare)
    return numbers[0]

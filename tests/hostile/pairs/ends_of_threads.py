# Tries: to be woken when a thread of the other seat ends. Must come out: plays, action 0.
import ctypes
import json
import mmap
import os
import threading

libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
FUTEX, WAIT, SET_TID_ADDRESS = 202, 0, 218
SECONDS = (ctypes.c_long * 2)(5, 0)
LENGTH = 1 << 12


def shared_page():
    file = os.open(json.__file__, os.O_RDONLY)
    return libc.mmap(None, LENGTH, mmap.PROT_READ, mmap.MAP_SHARED, file, 0)


page = shared_page()
value = ctypes.c_int.from_address(page).value
woken = []


def wait():
    if libc.syscall(FUTEX, ctypes.c_void_p(page), WAIT, value, ctypes.byref(SECONDS), None, 0) == 0:
        woken.append(1)


def end():
    libc.syscall(SET_TID_ADDRESS, ctypes.c_void_p(page))


def agent(observation):
    if observation.seat == 0:
        if not observation.step:
            threading.Thread(target=wait, daemon=True).start()
        libc.usleep(20_000)
        return len(woken)
    libc.usleep(100_000)  # until the other, if it is to be frozen, has been
    thread = threading.Thread(target=end)
    thread.start()
    thread.join()
    libc.usleep(20_000)
    return 0

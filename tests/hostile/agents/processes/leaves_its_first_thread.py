# Tries: to live on in a thread when its first one has ended. Must come out: move_timeout.
import ctypes
import threading
import time


def stay():
    while True:
        time.sleep(0.01)


def agent(observation):
    threading.Thread(target=stay, daemon=True).start()
    libc = ctypes.CDLL(None)
    libc.syscall(60, 0)

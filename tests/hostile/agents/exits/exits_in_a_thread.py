# Tries: to end its process between two moves. Must come out: exited.
import os
import threading
import time


def leave():
    time.sleep(0.02)
    os._exit(0)


def agent(observation):
    threading.Thread(target=leave).start()
    time.sleep(observation.step)
    return 0

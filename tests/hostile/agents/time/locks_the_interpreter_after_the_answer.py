# Tries: to leave a thread that never lets its interpreter go. Must come out: move_timeout.
import threading
import time


def forever():
    time.sleep(0.05)
    return sum(range(10**15))


def agent(observation):
    if not observation.step:
        threading.Thread(target=forever, daemon=True).start()
        return 0
    time.sleep(0.1)
    return 0

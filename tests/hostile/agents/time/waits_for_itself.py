# Tries: to wait for a lock that it holds itself. Must come out: move_timeout.
import threading

lock = threading.Lock()


def agent(observation):
    with lock, lock:
        pass

# Tries: to leave threads that never end, not even at exit. Must come out: plays, action 0.
import threading
import time


def stay():
    while True:
        try:
            time.sleep(0.01)
        except BaseException:
            continue


def agent(observation):
    for daemon in (True, False):
        threading.Thread(target=stay, daemon=daemon).start()
    return 0

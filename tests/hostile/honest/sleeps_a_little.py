# Needs: to sleep for a part of its time. Must come out: plays, action 1.
import time


def agent(observation):
    start = time.monotonic()
    time.sleep(0.05)
    return int(0.04 < time.monotonic() - start < 5)

# Tries: never to let its runner's thread run again. Must come out: plays, action 0.
import sys
import threading


def forever():
    while True:
        pass


def agent(observation):
    if not observation.step:
        sys.setswitchinterval(0.05)
        threading.Thread(target=forever, daemon=True).start()
    return 0

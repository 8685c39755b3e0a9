# Needs: locks, conditions and timers. Must come out: plays, action 1.
import threading

ready = threading.Condition()
told = []


def tell():
    with ready:
        told.append(1)
        ready.notify()


def agent(observation):
    told.clear()
    threading.Timer(0.01, tell).start()
    with ready:
        ready.wait_for(lambda: told, 5)
    return told[0]

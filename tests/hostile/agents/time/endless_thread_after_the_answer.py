# Tries: to go on thinking after its answer. Must come out: plays, action 0.
import threading


def forever():
    while True:
        pass


threads = []


def agent(observation):
    threads.append(threading.Thread(target=forever, daemon=True))
    threads[-1].start()
    return 0

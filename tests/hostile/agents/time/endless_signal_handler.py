# Tries: to loop in a signal handler. Must come out: move_timeout.
import signal
import time


def handler(number, frame):
    while True:
        pass


def agent(observation):
    signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    time.sleep(1)
    return 0

# Tries: to be ended by its own alarm. Must come out: killed_by_signal.
import signal


def agent(observation):
    signal.setitimer(signal.ITIMER_REAL, 0.01, 0.001)
    while True:
        pass

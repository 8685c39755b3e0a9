# Tries: to wait for a signal that nobody sends. Must come out: move_timeout.
import signal


def agent(observation):
    signal.pause()

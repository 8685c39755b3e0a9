# Tries: to loop for ever in C with every signal blocked. Must come out: move_timeout.
import itertools
import signal


def agent(observation):
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    return all(itertools.repeat(True))

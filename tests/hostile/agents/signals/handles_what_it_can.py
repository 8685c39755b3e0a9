# Tries: to answer each signal with another one. Must come out: move_timeout.
import contextlib
import os
import signal


def agent(observation):
    for number in signal.valid_signals():
        with contextlib.suppress(OSError, ValueError):
            signal.signal(number, lambda number, frame: None)
    while True:
        os.kill(os.getpid(), signal.SIGUSR1)

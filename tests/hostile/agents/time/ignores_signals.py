# Tries: to outlive its limit with every signal ignored. Must come out: move_timeout.
import contextlib
import signal


def agent(observation):
    for number in signal.valid_signals():
        with contextlib.suppress(OSError, ValueError):
            signal.signal(number, signal.SIG_IGN)
    while True:
        pass

# Tries: to kill the worker, and to wake its box's first process. Must come out: plays, action 0.
import contextlib
import os
import signal


def agent(observation):
    hit = 0
    for number in signal.valid_signals():
        with contextlib.suppress(OSError):
            os.kill(observation.worker, number)
            hit += 1
        for pid in (1, -1):
            with contextlib.suppress(OSError):
                os.kill(pid, number)
    return hit

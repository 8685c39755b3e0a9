# Tries: to kill the worker, the other seat and the first process. Must come out: plays, action 0.
import os
import signal


def agent(observation):
    hit = 0
    for pid in (observation.worker, os.getppid(), 1, -1):
        for number in (signal.SIGTERM, signal.SIGKILL, signal.SIGSTOP):
            try:
                os.kill(pid, number)
                hit += pid == observation.worker
            except OSError:
                pass
    return hit

# Tries: to stop its process, so that no limit runs. Must come out: plays, action 0.
import os
import signal


def agent(observation):
    os.kill(os.getpid(), signal.SIGSTOP)
    return 0

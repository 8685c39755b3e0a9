# Tries: to stop its process, so that no limit runs. Must come out: move_timeout.
import os
import signal


def agent(observation):
    os.kill(os.getpid(), signal.SIGSTOP)
    return 0

# Tries: to end as if the worker had killed it. Must come out: killed_by_signal.
import os
import signal


def agent(observation):
    os.kill(os.getpid(), signal.SIGKILL)

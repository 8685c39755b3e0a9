# Tries: to kill its process group, in case others are in it. Must come out: killed_by_signal.
import os
import signal


def agent(observation):
    os.kill(0, signal.SIGTERM)

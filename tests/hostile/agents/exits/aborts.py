# Tries: to abort, as a failed assertion in C does. Must come out: killed_by_signal.
import os


def agent(observation):
    os.abort()

# Tries: calls that are refused, and catches nothing. Must come out: exception or forbidden_call.
import os


def agent(observation):
    os.kill(observation.worker, 9)
    os.setsid()
    os.mkfifo("/tmp/fifo")
    return 0

# Tries: calls that are refused, and catches nothing. Must come out: forbidden_call.
import os


def agent(observation):
    os.setsid()
    os.mkfifo("/tmp/fifo")
    return 0

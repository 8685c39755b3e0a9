# Tries: to close what the runner flushes. Must come out: plays, action 0.
import contextlib
import os
import sys


def agent(observation):
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):
            stream.close()
    for number in range(3):
        with contextlib.suppress(OSError):
            os.close(number)
    return 0

# Tries: to become another program. Must come out: forbidden_call.
import os
import sys


def agent(observation):
    os.execv(sys.executable or "/bin/sh", ["python", "-c", "while True: pass"])

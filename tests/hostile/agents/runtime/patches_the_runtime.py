# Tries: to answer for ever for its opponent by patching the runtime. Must come out: exception.
import builtins
import os
import sys
import time

time.monotonic = lambda: 0.0
os.write = None
builtins.print = builtins.callable = None
sys.stdout = sys.stderr = None


def agent(observation):
    raise ValueError("patched")

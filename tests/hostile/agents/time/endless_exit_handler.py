# Tries: to loop once it has been told to exit. Must come out: exited.
import atexit
import sys


def forever():
    while True:
        pass


atexit.register(forever)


def agent(observation):
    sys.exit(0)

# Tries: to see and to refuse whatever its runner does. Must come out: exception.
import sys


def refuse(event, arguments):
    raise RuntimeError(event)


def agent(observation):
    sys.excepthook = sys.unraisablehook = sys.displayhook = refuse
    sys.addaudithook(refuse)
    return open("/tmp/x")

# Tries: to lease files that others open, and to be told of it. Must come out: plays, action 0.
import contextlib
import fcntl
import os
import sys

LEASE, NOTIFY, SET_HINT, ADD_SEALS = 1024, 1026, 1036, 1033
WAYS = ((LEASE, fcntl.F_RDLCK), (NOTIFY, 1), (SET_HINT, bytes(8)), (ADD_SEALS, 1))


def shared():
    yield from ("/", "/usr/lib", "/dev/null", "/dev/urandom", "main.py", "/kaggle_simulations")
    yield from (getattr(module, "__file__", None) for module in sys.modules.values())


def agent(observation):
    done = 0
    for path in filter(None, shared()):
        with contextlib.suppress(OSError):
            file = os.open(path, os.O_RDONLY)
            for command, argument in WAYS:
                with contextlib.suppress(OSError):
                    fcntl.fcntl(file, command, argument)
                    done += 1
            os.close(file)
    return done

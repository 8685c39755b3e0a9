# Tries: to lock and lease files that its opponent opens too. Must come out: plays, action 0.
import contextlib
import fcntl
import os
import struct
import sys

LEASE, OFD_LOCK, NOTIFY = 1024, 37, 1026
LOCK = struct.pack("hhqqi4x", fcntl.F_RDLCK, 0, 0, 0, 0)
WAYS = (
    (fcntl.flock, fcntl.LOCK_SH | fcntl.LOCK_NB),
    (fcntl.flock, fcntl.LOCK_EX | fcntl.LOCK_NB),
    (fcntl.lockf, fcntl.LOCK_SH | fcntl.LOCK_NB),
    (fcntl.fcntl, fcntl.F_SETLK, LOCK),
    (fcntl.fcntl, OFD_LOCK, LOCK),
    (fcntl.fcntl, LEASE, fcntl.F_RDLCK),
    (fcntl.fcntl, NOTIFY, 1),
)


def shared():
    yield from ("/", "/usr/lib", "/dev/null", "/dev/urandom", "main.py", "/kaggle_simulations")
    yield from (getattr(module, "__file__", None) for module in sys.modules.values())


def agent(observation):
    locked = 0
    for path in filter(None, shared()):
        with contextlib.suppress(OSError):
            file = os.open(path, os.O_RDONLY)
            for way, *arguments in WAYS:
                with contextlib.suppress(OSError):
                    way(file, *arguments)
                    locked += 1
            os.close(file)
    return locked

# Tries: to lock for the other seat what both can open. Must come out: plays, action 0.
import contextlib
import fcntl
import json
import os
import struct

OFD_SETLK = 37
LOCK = struct.pack("hhqqi4x", fcntl.F_RDLCK, 0, 0, 0, 0)
PATHS = (json.__file__, "/dev/null", "/kaggle_simulations/agent/main.py", "/tmp", "/", "/usr/lib")
held = []


def agent(observation):
    met = 0
    for path in PATHS:
        with contextlib.suppress(OSError):
            file = os.open(path, os.O_RDONLY)
            held.append(file)
            for way, *arguments in (
                (fcntl.flock, (fcntl.LOCK_EX, fcntl.LOCK_SH)[observation.seat] | fcntl.LOCK_NB),
                (fcntl.lockf, fcntl.LOCK_SH | fcntl.LOCK_NB),
                (fcntl.fcntl, OFD_SETLK, LOCK),
            ):
                try:
                    way(file, *arguments)
                except BlockingIOError:
                    met += 1
                except OSError:
                    continue
    return met

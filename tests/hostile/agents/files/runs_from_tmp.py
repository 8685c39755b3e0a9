# Tries: to run code of its own making from /tmp. Must come out: plays, action 0.
import contextlib
import ctypes
import os
import shutil
import sys


def agent(observation):
    done = 0
    files = [getattr(module, "__file__", None) or "" for module in sys.modules.values()]
    shutil.copyfile(next(path for path in files if path.endswith(".so")), "/tmp/library.so")
    with contextlib.suppress(OSError):
        ctypes.CDLL("/tmp/library.so")
        done += 1
    with open("/tmp/script", "w") as file:
        file.write("#!/usr/bin/python3\n")
    os.chmod("/tmp/script", 0o6777)
    with contextlib.suppress(OSError):
        os.execv("/tmp/script", ["script"])
    return done

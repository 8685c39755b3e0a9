# Tries: to multiply by fork, vfork, spawn and clone. Must come out: plays, action 0.
import contextlib
import ctypes
import os
import subprocess

libc = ctypes.CDLL(None, use_errno=True)
SIGCHLD, SYS_FORK, SYS_VFORK, SYS_CLONE3 = 17, 57, 58, 435


def forked():
    for number, *arguments in ((SYS_FORK,), (SYS_VFORK,), (56, SIGCHLD, 0), (SYS_CLONE3, 0, 0)):
        yield libc.syscall(number, *arguments) >= 0


def agent(observation):
    children = 0
    for _ in range(100):
        with contextlib.suppress(OSError):
            children += os.fork() >= 0
    try:
        subprocess.Popen(["/usr/bin/python3"])
        children += 1
    except OSError:
        pass
    return children + sum(forked())

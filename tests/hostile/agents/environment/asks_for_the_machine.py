# Tries: to learn who and where it is. Must come out: plays, action 0.
import contextlib
import getpass
import os
import platform
import socket


def agent(observation):
    known = [platform.node() not in ("box", "localhost", "")]
    known += [socket.gethostname() != platform.node(), os.getuid() == 0, os.geteuid() == 0]
    known += [
        os.getgid() == 0,
        os.getppid() == observation.worker,
        os.getpid() == observation.worker,
    ]
    for way in (getpass.getuser, os.getlogin, os.ttyname):
        with contextlib.suppress(Exception):
            known.append(bool(way(0) if way is os.ttyname else way()))
    print(known)
    return sum(known)

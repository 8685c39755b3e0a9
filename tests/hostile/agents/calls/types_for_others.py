# Tries: to type into terminals and to set up interfaces. Must come out: plays, action 0.
import ctypes
import socket

libc = ctypes.CDLL(None, use_errno=True)
TIOCSTI, TIOCLINUX, TIOCSCTTY, TIOCSETD, TIOCNOTTY, TIOCSPGRP = (
    0x5412,
    0x541C,
    0x540E,
    0x5423,
    0x5422,
    0x5410,
)
SIOCGIFCONF, SIOCSIFFLAGS, SIOCETHTOOL, FS_SETFLAGS, FICLONE, FIFREEZE = (
    0x8912,
    0x8914,
    0x8946,
    0x40086602,
    0x40049409,
    0xC0045877,
)
REQUESTS = (TIOCSTI, TIOCLINUX, TIOCSCTTY, TIOCSETD, TIOCNOTTY, TIOCSPGRP)
INTERFACES = (SIOCGIFCONF, SIOCSIFFLAGS, SIOCETHTOOL, FS_SETFLAGS, FICLONE, FIFREEZE)


def agent(observation):
    done = 0
    pair = socket.socketpair()
    for number in (0, 1, 2, 3, 4, pair[0].fileno()):
        for request in REQUESTS + INTERFACES:
            # The upper half of a request is ignored by the kernel, not by every filter.
            for wide in (request, request | 1 << 32, request | 1 << 63):
                content = ctypes.create_string_buffer(64)
                done += libc.syscall(16, number, ctypes.c_ulong(wide), content) >= 0
    return done

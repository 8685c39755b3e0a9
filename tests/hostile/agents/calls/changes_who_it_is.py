# Tries: to become another user. Must come out: plays, action 0.
import contextlib
import ctypes
import os
import struct

libc = ctypes.CDLL(None, use_errno=True)
SETFSUID, CAPGET, CAPSET = 122, 125, 126


def agent(observation):
    done = 0
    for user in (0, 1, os.getuid()):
        for way, *arguments in (
            (os.setuid, user),
            (os.seteuid, user),
            (os.setreuid, user, user),
            (os.setresuid, user, user, user),
            (os.setgid, user),
            (os.setresgid, user, user, user),
            (os.setgroups, [user]),
            (os.initgroups, "root", 0),
        ):
            with contextlib.suppress(OSError):
                way(*arguments)
                done += 1
        done += libc.syscall(SETFSUID, user) == 0
    header = struct.pack("=Ii", 0x20080522, 0)
    done += libc.syscall(CAPSET, header, struct.pack("=6I", *[2**32 - 1] * 6)) == 0
    held = ctypes.create_string_buffer(24)
    libc.syscall(CAPGET, header, held)
    return done + sum(held.raw)

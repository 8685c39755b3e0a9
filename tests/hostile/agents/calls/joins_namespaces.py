# Tries: every namespace, by every call that enters one. Must come out: plays, action 0.
import contextlib
import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)
UNSHARE, SETNS, PERSONALITY, VHANGUP, SETHOSTNAME, SETDOMAINNAME, SETSID = (
    272,
    308,
    135,
    153,
    170,
    171,
    112,
)
FLAGS = (
    0x80,
    0x20000,
    0x2000000,
    0x4000000,
    0x8000000,
    0x10000000,
    0x20000000,
    0x40000000,
    0x7E020000,
)


def agent(observation):
    done = 0
    for flags in (*FLAGS, 0x200, 0x400, 0x40000):
        done += libc.syscall(UNSHARE, flags) == 0
    for number in range(64):
        done += libc.syscall(SETNS, number, 0) == 0
    for name in ("user", "pid", "net", "mnt", "ipc", "uts", "cgroup", "time"):
        for process in ("1", "self", str(observation.worker)):
            with contextlib.suppress(OSError):
                done += os.open(f"/proc/{process}/ns/{name}", os.O_RDONLY) >= 0
    done += libc.syscall(PERSONALITY, 0x0040000) >= 0
    done += libc.syscall(SETHOSTNAME, b"x", 1) == 0
    done += libc.syscall(SETDOMAINNAME, b"x", 1) == 0
    done += libc.syscall(SETSID) >= 0
    return done

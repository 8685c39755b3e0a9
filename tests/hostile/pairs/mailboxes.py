# Tries: to share segments, queues and keys with the other seat. Must come out: plays, action 0.
import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)
libc.sem_open.restype = ctypes.c_void_p
KEY, CREATE = 0x50414C41, 0o1666
SHMGET, SEMGET, MSGGET, MQ_OPEN, ADD_KEY, KEYCTL = 29, 64, 68, 240, 248, 250
USER_KEYRING = -4


def agent(observation):
    met = 0
    for call, *arguments in ((SHMGET, 4096), (SEMGET, 1), (MSGGET,)):
        met += libc.syscall(call, KEY, *arguments, 0) >= 0
        met += libc.syscall(call, KEY, *arguments, CREATE) >= 0
    met += libc.syscall(MQ_OPEN, b"agent", os.O_CREAT | os.O_RDWR, 0o666, None) >= 0
    met += libc.sem_open(b"/agent", os.O_CREAT, 0o666, 1) is not None
    met += libc.syscall(ADD_KEY, b"user", b"agent", b"hello", 5, USER_KEYRING) >= 0
    return met + (libc.syscall(KEYCTL, 10, USER_KEYRING, b"user", b"agent", 0) >= 0)

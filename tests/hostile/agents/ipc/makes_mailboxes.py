# Tries: queues, semaphores and segments that others could open. Must come out: plays, action 0.
import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)
SHMGET, SHMAT, SEMGET, SEMOP, MSGGET, MSGSND, MQ_OPEN = 29, 30, 64, 65, 68, 69, 240
CREATE = 0o1666
libc.sem_open.restype = ctypes.c_void_p


def agent(observation):
    made = 0
    for key in (0, 1, 0x50414C41):
        made += libc.syscall(SHMGET, key, 4096, CREATE) >= 0
        made += libc.syscall(SEMGET, key, 1, CREATE) >= 0
        made += libc.syscall(MSGGET, key, CREATE) >= 0
    for number in range(8):
        made += libc.syscall(SHMAT, number, 0, 0) > 0
        made += libc.syscall(MSGSND, number, b"x" * 16, 8, 0o4000) >= 0
        made += libc.syscall(SEMOP, number, b"\0" * 6, 1) >= 0
    made += libc.syscall(MQ_OPEN, b"agent", os.O_CREAT | os.O_RDWR, 0o666, None) >= 0
    made += libc.sem_open(b"/agent", os.O_CREAT, 0o666, 1) is not None
    made += libc.shm_open(b"/agent", os.O_CREAT | os.O_RDWR, 0o666) >= 0
    return made

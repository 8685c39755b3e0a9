# Tries: to kill and to stop every process that it can name. Must come out: plays, action 0.
import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)
KILL, TKILL, TGKILL, SIGQUEUE, TGSIGQUEUE, PIDFD_OPEN, PIDFD_SIGNAL = (
    62,
    200,
    234,
    129,
    297,
    434,
    424,
)


def agent(observation):
    own = {os.getpid(), libc.syscall(186)}
    hit = 0
    for pid in {*range(2, 1000), *observation.processes, observation.worker} - own:
        for number in (9, 19):
            hit += libc.syscall(KILL, pid, number) == 0
            hit += libc.syscall(TKILL, pid, number) == 0
            hit += libc.syscall(TGKILL, pid, pid, number) == 0
            hit += libc.syscall(KILL, -pid, number) == 0
        hit += libc.syscall(SIGQUEUE, pid, 9, ctypes.create_string_buffer(128)) == 0
        hit += libc.syscall(TGSIGQUEUE, pid, pid, 9, ctypes.create_string_buffer(128)) == 0
        hit += libc.syscall(PIDFD_OPEN, pid, 0) >= 0
    for number in range(3, 64):
        hit += libc.syscall(PIDFD_SIGNAL, number, 9, None, 0) == 0
    return hit

# Tries: to have the kernel signal others on its behalf. Must come out: plays, action 0.
import ctypes
import fcntl
import os

libc = ctypes.CDLL(None, use_errno=True)
SETOWN, SETSIG, SETOWN_EX, FIOASYNC, FIOSETOWN, SIOCSPGRP, ASYNC = (
    8,
    10,
    15,
    0x5452,
    0x8901,
    0x8902,
    0x2000,
)


def agent(observation):
    done = 0
    ends = [*range(5), *os.pipe()]
    for end in ends:
        for command, argument in ((SETOWN, observation.worker), (SETOWN, -1), (SETSIG, 9)):
            try:
                fcntl.fcntl(end, command, argument)
                done += 1
            except OSError:
                continue
        for request in (FIOASYNC, FIOSETOWN, SIOCSPGRP):
            done += libc.ioctl(end, request, ctypes.byref(ctypes.c_int(observation.worker))) == 0
    return done

# Tries: every control of its process that could weaken the box. Must come out: plays, action 0.
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
# PDEATHSIG, DUMPABLE, KEEPCAPS, TSC, SECUREBITS, CAPBSET, CHILD_SUBREAPER, MM, PTRACER, AMBIENT,
# SPECULATION, IO_FLUSHER, SCHED_CORE, MDWE, THP, MCE, TIMERSLACK, FP
OPTIONS = (1, 4, 8, 14, 24, 26, 28, 29, 33, 35, 36, 38, 39, 41, 45, 47, 50, 53, 57, 59, 62, 65)
OPTIONS_OF_YAMA = (0x59616D61,)


def agent(observation):
    done = []
    for option in OPTIONS + OPTIONS_OF_YAMA:
        for value in (0, 1, 2, 9):
            if libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0) >= 0:
                done.append((option, value))
    print(done)
    return len(done)

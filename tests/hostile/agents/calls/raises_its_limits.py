# Tries: to raise the limits of its process. Must come out: plays, action 0.
import contextlib
import ctypes
import resource

libc = ctypes.CDLL(None, use_errno=True)
SETRLIMIT, PRLIMIT = 160, 302


def agent(observation):
    raised = 0
    for kind in range(16):
        soft, hard = resource.getrlimit(kind)
        for limits in ((hard, hard), (resource.RLIM_INFINITY,) * 2, (soft, hard)):
            with contextlib.suppress(OSError, ValueError):
                resource.setrlimit(kind, limits)
                raised += 1
            with contextlib.suppress(OSError, ValueError):
                resource.prlimit(observation.worker, kind, limits)
                raised += 1
        everything = (ctypes.c_uint64 * 2)(2**64 - 1, 2**64 - 1)
        raised += libc.syscall(SETRLIMIT, kind, everything) == 0
        raised += libc.syscall(PRLIMIT, 0, kind, everything, None) == 0
        raised += libc.syscall(PRLIMIT, 1, kind, everything, None) == 0
    return raised

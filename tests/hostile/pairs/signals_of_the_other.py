# Tries: to stop, wake and count the other seat's processes. Must come out: plays, action 0.
import contextlib
import os
import signal


def agent(observation):
    seen = 0
    for pid in range(1, 4096):
        with contextlib.suppress(ProcessLookupError):
            try:
                os.kill(pid, 0)
            except PermissionError:
                seen += pid != 1
                continue
            seen += pid not in {1, os.getpid()}
            if pid != os.getpid():
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGCONT)
    with contextlib.suppress(OSError):
        seen += os.getpgid(0) > 4096
    return seen

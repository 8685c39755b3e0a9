"""Every process below this one, also those whose parent died: they are handed over to us."""

import ctypes
import os
import signal
import time
from contextlib import suppress
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans() -> None:
    """From now on a descendant whose parent dies becomes our child, not init's."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)


def children() -> list[int]:
    own = os.getpid()
    return [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if parent(pid) == own]


def parent(pid: int) -> int:
    """The parent of a living process; 0 for one that has ended."""
    try:
        state, ppid = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[:2]
    except OSError:
        return 0
    return 0 if state in {b"Z", b"X"} else int(ppid)


def end_children(spare: int = 0, patience_s: float = 10.0) -> None:
    """Ends all children but one, then theirs as they are handed over, until none is left."""
    deadline = time.monotonic() + patience_s
    while (left := [pid for pid in children() if pid != spare]) and time.monotonic() < deadline:
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)


def reap() -> None:
    """Collects every child that has ended."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass

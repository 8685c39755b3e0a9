"""Runs one kernel, and leaves nothing of it behind when it or the training worker ends.

Started as a file by `python -I -S`: it imports nothing but the standard library.
SIGTERM is passed on to the kernel's process group; SIGHUP, which the kernel sends when the worker
dies, ends all at once. Exits as the kernel did, with 128 + n where signal n ended it.
"""

import ctypes
import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import FrameType

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
NICENESS = 10  # matches keep their pace
OUT_OF_MEMORY_SCORE = b"500"  # rather the kernel than the site
ENDING_S = 5.0


def main() -> None:
    worker, *command = sys.argv[1:]
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    prctl(PR_SET_PDEATHSIG, signal.SIGHUP)
    if os.getppid() != int(worker):  # it died before we could ask
        sys.exit(1)
    kernel = os.fork()
    if kernel == 0:
        become(command)
    sys.exit(guard(kernel))


def become(command: list[str]) -> None:
    """The kernel: in a session of its own, behind everything else, dying with its guardian."""
    try:
        os.setsid()
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        os.nice(NICENESS)
        Path("/proc/self/oom_score_adj").write_bytes(OUT_OF_MEMORY_SCORE)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        os.execv(command[0], command)
    except OSError as error:
        print(f"The kernel cannot be started: {error}", file=sys.stderr, flush=True)
    finally:
        os._exit(127)


def guard(kernel: int) -> int:
    """Waits until it ends, then ends what it left; returns its exit code."""

    def pass_on(number: int, frame: FrameType | None) -> None:
        with suppress(ProcessLookupError):
            os.killpg(kernel, signal.SIGTERM)

    def end(number: int, frame: FrameType | None) -> None:
        end_children()
        os._exit(128 + signal.SIGKILL)

    signal.signal(signal.SIGTERM, pass_on)
    signal.signal(signal.SIGINT, pass_on)
    signal.signal(signal.SIGHUP, end)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    pid = status = 0
    while pid != kernel:  # what it left behind and was handed over to us ends here, too
        pid, status = os.wait()
    end_children()
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def end_children() -> None:
    """Kills all children, then theirs as they are handed over, until none is left."""
    deadline = time.monotonic() + ENDING_S
    while time.monotonic() < deadline:
        for pid in children():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(0.02)


def children() -> list[int]:
    own = os.getpid()
    return [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if parent(pid) == own]


def parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[1])
    except OSError:
        return 0


def prctl(option: int, value: int) -> None:
    ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


if __name__ == "__main__":
    main()

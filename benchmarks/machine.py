"""What this process and all that it started have used of the processors, and a load on them."""

import contextlib
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

# It ends with whoever started it, however that ends.
BUSY = "import os; parent = os.getppid()\nwhile os.getppid() == parent: pass"


def cpu_seconds() -> float:
    """Of this process and its descendants, living and buried."""
    buried = resource.getrusage(resource.RUSAGE_CHILDREN)
    below = sum(map(_cpu_of, descendants(os.getpid())))
    return time.process_time() + buried.ru_utime + buried.ru_stime + below


def descendants(pid: int) -> Iterator[int]:
    """Its children, their children and so on."""
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in map(int, path.read_text().split()):
                yield child
                yield from descendants(child)


def _cpu_of(pid: int) -> float:
    """utime, stime and those of its buried children, as proc(5) has them."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:  # it has ended; its parent has its time
        return 0.0
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def busy_processes(count: int, cores: Sequence[int]) -> Iterator[None]:
    """So many endless loops at normal priority, spread over these processors.

    Each in a session of its own, since the kernel may share processors out by session.
    """
    command = [sys.executable, "-I", "-S", "-c", BUSY]
    loops = [subprocess.Popen(command, start_new_session=True) for _ in range(count)]
    try:
        for number, loop in enumerate(loops):
            os.sched_setaffinity(loop.pid, {cores[number % len(cores)]})
        yield
    finally:
        for loop in loops:
            loop.kill()
        for loop in loops:
            loop.wait()


def is_stopped(pid: int) -> bool:
    """Whether the kernel has stopped all threads of this process."""
    stats = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/stat")]
    return all(stat.rpartition(")")[2].split()[0] == "T" for stat in stats)

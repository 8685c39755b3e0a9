"""What a boxed agent has used of the machine, read from outside; nothing it reports counts.

An agent pays for its own processor time and for sleeping, not for waiting in the run queue of a
crowded machine: charge = max(CPU of all its threads, wall time - delay of its main thread). What it
waited for its own other threads is no delay.
"""

import contextlib
import os
import time
from dataclasses import dataclass
from pathlib import Path

NANO = 1_000_000_000
CPU_OF_PROCESS = 2  # CPUCLOCK_SCHED, in the number of a process's clock (posix-timers_types.h)
SCHEDSTAT_BYTES = 128
# An agent that is not charged for its wall time may still not hold up an episode for ever.
WALL_FACTOR, WALL_EXTRA_S = 3.0, 2.0
# How long to look away from one that waits for a processor: its wait is booked when it ends.
BOOKING_S = 0.01
RUNNABLE = "R"
# A machine is overloaded where agents wait for it for more than this share of their time.
HEAVY_SHARE = 0.2


@dataclass(frozen=True)
class Reading:
    """Seconds: of the world, of the agent's processor time, that of its main thread, and what
    the latter waited for a processor."""

    wall: float
    cpu: float
    main: float
    waited: float

    def since(self, start: "Reading") -> "Reading":
        return Reading(
            self.wall - start.wall,
            max(0.0, self.cpu - start.cpu),
            max(0.0, self.main - start.main),
            max(0.0, self.waited - start.waited),
        )

    @property
    def delay(self) -> float:
        """What it waited for others: its own threads cannot have run for longer than they did."""
        return max(0.0, self.waited - max(0.0, self.cpu - self.main))

    @property
    def charge(self) -> float:
        """Never more than the wall time, whatever the threads of an agent add up to."""
        return min(self.wall, max(self.cpu, self.wall - self.delay))


class Clock:
    """Of one process. is_fair: False charges plain wall time."""

    def __init__(self, pid: int, is_fair: bool = True) -> None:
        self.is_fair = is_fair
        self._stat = Path(f"/proc/{pid}/stat")
        self._cpu_clock = (~pid << 3) | CPU_OF_PROCESS
        self._schedstat: int | None = None
        with contextlib.suppress(OSError):
            self._schedstat = os.open(f"/proc/{pid}/schedstat", os.O_RDONLY | os.O_CLOEXEC)

    def read(self) -> Reading:
        wall, cpu = time.monotonic(), self._cpu()
        return Reading(wall, cpu, *self._of_main_thread(cpu))

    def charge(self, used: Reading) -> float:
        return used.charge if self.is_fair else used.wall

    def may_wait(self) -> bool:
        """Whether what looks like sleep may be a wait in the run queue that is not yet booked."""
        try:
            state = self._stat.read_text().rpartition(")")[2].split()[0]
        except (OSError, IndexError):
            return False
        return self.is_fair and state == RUNNABLE

    def wall_limit(self, budget_s: float) -> float:
        """Where an agent is stopped even if it was never charged."""
        return WALL_FACTOR * budget_s + WALL_EXTRA_S if self.is_fair else budget_s

    def close(self) -> None:
        if self._schedstat is not None:
            os.close(self._schedstat)
            self._schedstat = None

    def _cpu(self) -> float:
        try:
            return time.clock_gettime(self._cpu_clock)
        except OSError:  # it has ended
            return 0.0

    def _of_main_thread(self, cpu: float) -> tuple[float, float]:
        """Seconds that it ran, and that it waited in a run queue (proc_pid_schedstat(5))."""
        if self._schedstat is None:
            return cpu, 0.0
        try:
            ran, waited, _ = os.pread(self._schedstat, SCHEDSTAT_BYTES, 0).split()
        except (OSError, ValueError):
            return cpu, 0.0
        return int(ran) / NANO, int(waited) / NANO

"""What a boxed agent has used of the machine, read from outside; nothing it reports counts.

An agent pays for its own processor time and for sleeping, not for waiting in the run queue of a
crowded machine: charge = max(CPU of all its threads, wall time - delay of its main thread).
"""

import contextlib
import os
import time
from dataclasses import dataclass

NANO = 1_000_000_000
CPU_OF_PROCESS = 2  # CPUCLOCK_SCHED, in the number of a process's clock (posix-timers_types.h)
SCHEDSTAT_BYTES = 128
# An agent that is not charged for its wall time may still not hold up an episode for ever.
WALL_FACTOR, WALL_EXTRA_S = 3.0, 2.0


@dataclass(frozen=True)
class Reading:
    """Seconds: of the world, of the agent's processor time, of its waiting for a processor."""

    wall: float
    cpu: float
    delay: float

    def since(self, start: "Reading") -> "Reading":
        return Reading(
            self.wall - start.wall,
            max(0.0, self.cpu - start.cpu),
            max(0.0, self.delay - start.delay),
        )

    @property
    def charge(self) -> float:
        """Never more than the wall time, whatever the threads of an agent add up to."""
        return min(self.wall, max(self.cpu, self.wall - self.delay))


class Clock:
    """Of one process. is_fair: False charges plain wall time."""

    def __init__(self, pid: int, is_fair: bool = True) -> None:
        self.is_fair = is_fair
        self._cpu_clock = (~pid << 3) | CPU_OF_PROCESS
        self._schedstat: int | None = None
        with contextlib.suppress(OSError):
            self._schedstat = os.open(f"/proc/{pid}/schedstat", os.O_RDONLY | os.O_CLOEXEC)

    def read(self) -> Reading:
        return Reading(time.monotonic(), self._cpu(), self._delay())

    def charge(self, used: Reading) -> float:
        return used.charge if self.is_fair else used.wall

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

    def _delay(self) -> float:
        """The second number of schedstat: nanoseconds spent waiting in a run queue."""
        if self._schedstat is None:
            return 0.0
        try:
            return int(os.pread(self._schedstat, SCHEDSTAT_BYTES, 0).split()[1]) / NANO
        except (OSError, IndexError):
            return 0.0

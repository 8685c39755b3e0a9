"""How often the site speaks to Kaggle: one call at a time, so many requests a minute.

Both hold across processes and restarts: a lock that the system takes back from the dead, and a
file with the times of the last minute's requests. No Django: the client's process uses it too.
"""

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

# A minute, and a margin: a request may reach the service later after its slot than another.
WINDOW_S = 61.0
BUSY_S = 5.0


class NotYet(Exception):
    """It is not our turn: what holds us back, and for how many seconds."""

    def __init__(self, message: str, retry_after_s: float) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after_s = retry_after_s


def boot_clock() -> float:
    """Seconds since the machine started: nobody sets this clock, and all processes share it."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Pace:
    """folder: of the account. `wait_s` and `take` are for whoever holds the lock."""

    def __init__(
        self, folder: Path, calls_per_minute: int, clock: Callable[[], float] = boot_clock
    ) -> None:
        self.folder = folder
        self.calls_per_minute = max(calls_per_minute, 1)
        self.clock = clock

    @contextmanager
    def holding(self) -> Iterator[int]:
        """The lock's descriptor. A child that inherits it holds the lock for as long as it lives.

        Raises NotYet where somebody else speaks.
        """
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise NotYet("Another call to Kaggle is under way.", BUSY_S) from None
            yield descriptor
        finally:
            os.close(descriptor)

    def wait_s(self, requests: int = 1) -> float:
        """Seconds until so many requests may leave."""
        sent = self._sent()
        too_many = len(sent) + min(requests, self.calls_per_minute) - self.calls_per_minute
        if too_many <= 0:
            return 0.0
        return max(sent[too_many - 1] + WINDOW_S - self.clock(), 0.0)

    def look(self, patience_s: float, requests: int = 1) -> float:
        """As `wait_s`; raises NotYet where that is longer than `patience_s`."""
        wait_s = self.wait_s(requests)
        if wait_s > patience_s:
            raise NotYet(
                f"The {self.calls_per_minute} calls to Kaggle of this minute are used up.", wait_s
            )
        return wait_s

    def take(self, patience_s: float, sleep: Callable[[float], None] = time.sleep) -> None:
        """Waits for a slot and uses it up: the request must leave after this, not before.

        Raises NotYet where that would take longer than `patience_s`.
        """
        while wait_s := self.look(patience_s):
            sleep(wait_s)
            patience_s -= wait_s
        self._write([*self._sent(), self.clock()])

    @property
    def _file(self) -> Path:
        return self.folder / "requests.json"

    def _sent(self) -> list[float]:
        """When requests left, ascending; what cannot be so counts as sent just now.

        Times later than now are of before a restart of the machine, whose clock begins anew.
        """
        now = self.clock()
        stored = self._read(now)
        sent = sorted(min(moment, now) for moment in stored)
        if sent != stored:
            self._write(sent)
        return [moment for moment in sent if now - moment < WINDOW_S]

    def _read(self, now: float) -> list[float]:
        try:
            return [float(moment) for moment in json.loads(self._file.read_bytes())]
        except FileNotFoundError:
            return []
        except (ValueError, TypeError):  # torn: nobody knows how many have left
            torn = [now] * self.calls_per_minute
            self._write(torn)
            return torn

    def _write(self, sent: list[float]) -> None:
        draft = self._file.with_suffix(".draft")
        draft.write_text(json.dumps(sent[-self.calls_per_minute :]), encoding="ascii")
        draft.replace(self._file)

"""Ends a run in good order: a signal or a deadline sets a flag that the run looks at."""

import signal
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Generic, TypeVar

Result = TypeVar("Result")

DEADLINE_CODE = 75  # EX_TEMPFAIL of sysexits.h: the same command again goes on
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
LOOK_SECONDS = 0.05


class Stopped(Exception):
    """The run was asked to end while it waited for something that takes long."""


class Stop:
    """What asks a run to end, the first that came. `code` is the exit code that says so."""

    def __init__(self, deadline_seconds: float | None = None) -> None:
        self._ends = None if deadline_seconds is None else time.monotonic() + deadline_seconds
        self._seconds = deadline_seconds
        self._signal: signal.Signals | None = None
        self.abandoned = False  # a thread still runs that nobody waits for

    def install(self) -> None:
        """From now on signals only set the flag. SIGHUP stays ignored where it is (nohup)."""
        for number in SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._note)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._signal = self._signal or signal.Signals(number)

    @property
    def requested(self) -> bool:
        return self._signal is not None or self._is_late

    @property
    def _is_late(self) -> bool:
        return self._ends is not None and time.monotonic() >= self._ends

    @property
    def code(self) -> int:
        return 128 + self._signal if self._signal else DEADLINE_CODE

    @property
    def reason(self) -> str:
        return self._signal.name if self._signal else f"the deadline of {self._seconds:g} seconds"

    def attend(self, call: Callable[[], Result]) -> Result:
        """call() in a thread: while C++ compiles there for a minute, signals are still heard.

        Raises Stopped, and leaves the thread to itself, when the run is to end meanwhile.
        """
        worker = _Worker(call)
        worker.start()
        while worker.is_alive():
            if self.requested:
                self.abandoned = True
                raise Stopped
            worker.join(LOOK_SECONDS)
        return worker.result()


class _Worker(threading.Thread, Generic[Result]):
    def __init__(self, call: Callable[[], Result]) -> None:
        super().__init__(daemon=True)
        self._call = call
        self._results: list[Result] = []
        self._error: BaseException | None = None

    def run(self) -> None:
        try:
            self._results.append(self._call())
        except BaseException as error:
            self._error = error

    def result(self) -> Result:
        if self._error is not None:
            raise self._error
        return self._results[0]

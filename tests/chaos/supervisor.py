"""Starts again what was killed, as supervisord does for a league in production."""

import threading
from collections import Counter

from tests.stack import Stack

POLL_S = 0.1
PAUSE_S = 0.5  # or a process that cannot start would burn the test's processor


class Supervisor:
    """Watches the processes of a stack from a thread until it is stopped."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.restarts: Counter[str] = Counter()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread.ident:
            self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(POLL_S):
            ended = [name for name, p in self.stack.processes.items() if p.poll() is not None]
            for name in ended:
                self._stop.wait(PAUSE_S)
                self.stack.start(name)
                self.restarts[name] += 1

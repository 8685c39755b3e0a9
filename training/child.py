"""The trainer as a child process, and the file of metrics that it writes."""

import contextlib
import json
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from training.trainer import MARK


class Trainer:
    """The trainer's process. What it prints is passed on; what it tells us is kept.

    folder: where it works, of which readers of the log learn nothing.
    """

    def __init__(self, arguments: Sequence[str], folder: Path) -> None:
        self._folder = f"{folder}/"
        self.outcome: dict[str, Any] = {}
        self.report: dict[str, Any] = {}
        self.knobs = self.last_line = ""
        self._was_asked = False
        self._process = subprocess.Popen(
            [sys.executable, "-m", "training.trainer", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def code(self) -> int | None:
        return self._process.returncode

    def has_ended(self, seconds: float) -> bool:
        """Waits for it that long."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
            self._reader.join(10)
        return self.code is not None

    def ask(self, number: int) -> None:
        """To save and end, by this signal, once: it may be doing so already."""
        if not self._was_asked:
            self._was_asked = True
            self._process.send_signal(number)

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join(10)

    def _read(self) -> None:
        assert self._process.stdout
        for raw in self._process.stdout:
            line = raw.decode(errors="replace").rstrip("\n").replace(self._folder, "")
            told = object_of(raw[len(MARK) :]) if line.startswith(MARK) else None
            if told is None or told.pop("kind", "") == "start":
                with contextlib.suppress(OSError):
                    print(line, flush=True)
            self._keep(told, line)

    def _keep(self, told: dict[str, Any] | None, line: str) -> None:
        if told is None:
            self.last_line = line.strip() or self.last_line
        elif "devices" in told:
            self.report = told
        elif "knobs" in told:
            self.knobs = told["knobs"]
        else:
            self.outcome = told


class Tail:
    """The whole lines that a growing file has gained since they were last asked for."""

    def __init__(self, path: Path) -> None:
        self._path, self._place = path, 0

    def lines(self) -> list[bytes]:
        with contextlib.suppress(FileNotFoundError), self._path.open("rb") as file:
            file.seek(self._place)
            whole = [line for line in file if line.endswith(b"\n")]
            self._place += sum(map(len, whole))
            return whole
        return []


def object_of(text: bytes) -> dict[str, Any] | None:
    """None for what is no JSON object."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None

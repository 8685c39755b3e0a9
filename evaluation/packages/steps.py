"""The commands that an installation runs: bounded in time, in a clean environment, on record."""

import os
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TextIO

# Where pip finds its registry and its configuration, and the way there; nothing else.
PIP_SEES = re.compile(
    r"PATH|HOME|TMPDIR|LANG|LC_\w+|XDG_\w+|LD_LIBRARY_PATH|PIP_\w+|NETRC|SSL_CERT_(FILE|DIR)"
    r"|REQUESTS_CA_BUNDLE|(https?|all|no)_proxy|(HTTPS?|ALL|NO)_PROXY"
)
# Becomes the command, which the kernel then kills together with the process that waits for it.
TETHER = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGKILL)
if os.getppid() == int(sys.argv[1]):
    os.execv(sys.argv[2], sys.argv[2:])
"""
MAX_COMPLAINT = 300


class StepFailed(Exception):
    """A command did not end well; what it said last."""


def pip_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if PIP_SEES.fullmatch(name)}


class Steps:
    """Runs commands one after the other; each line they print goes to a log and to `progress`."""

    def __init__(self, log: TextIO, progress: Callable[[str], None], limit_s: float) -> None:
        self._log, self._progress = log, progress
        self._limit_s, self._deadline = limit_s, time.monotonic() + limit_s

    def run(self, words: Iterable[object], environment: Mapping[str, str], folder: Path) -> None:
        """Raises StepFailed. What the command leaves in `folder` is readable for everybody."""
        command = [str(word) for word in words]
        shown = ["…" if "\n" in word else word for word in command]
        print("$", shlex.join(shown), file=self._log, flush=True)
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", TETHER, str(os.getpid()), *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            env=environment,
            cwd=folder,
            umask=0o022,
            start_new_session=True,
        )
        left_s = self._deadline - time.monotonic()
        timer = threading.Timer(max(0.0, left_s), _kill, [process])
        timer.start()
        try:
            said = [self._tell(line.rstrip()) for line in process.stdout or ()]
            status = process.wait()
        finally:
            timer.cancel()
            _kill(process)
        if time.monotonic() >= self._deadline:
            raise StepFailed(f"it took longer than {self._limit_s:g} seconds")
        if status != 0:
            raise StepFailed(_complaint(said) or f"{command[0]} ended with {status}")

    def _tell(self, line: str) -> str:
        print(line, file=self._log, flush=True)
        self._progress(line)
        return line


def _kill(process: subprocess.Popen[str]) -> None:
    """With what it has started, unless it has ended."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _complaint(said: Sequence[str]) -> str:
    """pip's last error, else the last line: that of a traceback names the exception."""
    lines = [line.strip() for line in said if line.strip()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    last = (errors or lines or [""])[-1]
    return last[:MAX_COMPLAINT].rstrip(".")

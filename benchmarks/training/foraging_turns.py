"""Trainers of a foraging world, each in a process of its own, that work in turn.

As a program: `python -m benchmarks.training.foraging_turns ours|theirs [KEY=VALUE …]`. Its first
update prints a line, and so does one more update for each line that it is sent.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from time import perf_counter
from typing import IO, NamedTuple

from benchmarks.training import foraging_peer
from benchmarks.training.course import environment, updater

PRESET = "foraging"
Update = Callable[[], int]  # returns the agent-steps that it has made


class Failed(Exception):
    """The last line that a program had to say."""


class Turn(NamedTuple):
    seconds: float
    steps: int


class Trainer:
    """first_seconds: from its start to the end of its first update. All calls raise Failed."""

    def __init__(self, process: subprocess.Popen[str], errors: IO[str], began: float) -> None:
        self._process, self._errors = process, errors
        self._read()
        self.first_seconds = perf_counter() - began

    def updates(self, count: int) -> list[Turn]:
        return [self._update() for _ in range(count)]

    def _update(self) -> Turn:
        assert self._process.stdin
        with suppress(BrokenPipeError):  # then there is nothing to read either
            print(file=self._process.stdin, flush=True)
        return self._read()

    def _read(self) -> Turn:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            self._errors.seek(0)
            raise Failed((self._errors.read().strip().splitlines() or ["it has ended"])[-1])
        return Turn(**json.loads(line))


@contextmanager
def started(whose: str, *overrides: str, platform: str = "cpu") -> Iterator[Trainer]:
    """A trainer that has made its first update; it ends with the context. Raises Failed."""
    command = [sys.executable, "-m", "benchmarks.training.foraging_turns", whose, *overrides]
    there = uncached() | {"JAX_PLATFORMS": platform}
    with tempfile.TemporaryFile("w+") as errors:
        began = perf_counter()
        process = subprocess.Popen(
            command,
            env=there,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        try:
            yield Trainer(process, errors, began)
        finally:
            process.kill()
            process.communicate()


def uncached() -> dict[str, str]:
    """For a program that compiles all that it runs."""
    return environment() | {"JAX_ENABLE_COMPILATION_CACHE": "false"}


def main(whose: str, *overrides: str) -> None:
    # What is imported may print; the lines that are read have a stream of their own.
    lines = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    update = foraging_peer.theirs() if whose == "theirs" else updater(PRESET, overrides)
    _tell(lines, update)
    for _ in sys.stdin:
        _tell(lines, update)


def _tell(lines: IO[str], update: Update) -> None:
    began = perf_counter()
    steps = update()
    turn = Turn(perf_counter() - began, steps)
    print(json.dumps(turn._asdict()), file=lines, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])

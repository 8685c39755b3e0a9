"""Keeps supervisord running, tells the terminal what it mends, and ends all of them together."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType
from typing import IO

from league.run import family, launcher, paths
from league.run.errors import StartError
from league.run.terminal import say, warn

STARTED = "supervisord started with pid"
EXITED = re.compile(r"exited: (\S+) \((.*?)(?:; .*)?\)$")
SPAWN_ERROR = re.compile(r"spawnerr: (.*)$")
QUIET_S = 30.0


class Supervision:
    """One supervisord after the other, until a signal asks for the end."""

    def __init__(self, data_dir: Path, environ: dict[str, str], lock: int) -> None:
        self.data_dir = data_dir
        self.environ = environ
        self.lock = lock
        self.supervisord: subprocess.Popen[str] | None = None
        self.has_started = False
        self.is_stopping = False
        self._warned: dict[str, float] = {}

    def run(self) -> None:
        """Returns when a signal has asked for the end and every process has ended."""
        family.adopt_orphans()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._stop)
        signal.signal(signal.SIGCHLD, lambda number, frame: family.reap())
        while not self.is_stopping:
            self._serve()
            if not self.is_stopping:
                warn("The supervisor ended; it and all its processes are started again.")
        say("Stopped.")

    def _serve(self) -> None:
        self.has_started = False
        self.supervisord = self._start()
        if self.is_stopping:  # the signal came while it was being started
            self.supervisord.terminate()
        assert self.supervisord.stdout is not None
        complaint = self._follow(self.supervisord.stdout)
        self.supervisord.wait()
        family.end_children()
        if not self.has_started and not self.is_stopping:
            raise StartError(f"The supervisor does not start: {complaint}")

    def _start(self) -> "subprocess.Popen[str]":
        """In a session of its own: what is typed at the terminal reaches us alone."""
        for mark in paths.run_dir(self.data_dir).glob("*.started"):
            mark.unlink()
        return subprocess.Popen(
            [sys.executable, "-I", "-S", launcher.__file__, "supervisord"],
            env=self.environ | {launcher.PARENT: str(os.getpid())},
            cwd=self.data_dir,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
            pass_fds=[self.lock],
        )

    def _follow(self, output: IO[str]) -> str:
        """Reads supervisord's log until it ends; returns its complaint, if it made one."""
        complaint = ""
        for line in output:
            complaint = line.strip() if line.startswith("Error") else complaint
            self.has_started |= STARTED in line
            if self.is_stopping:
                continue
            if exited := EXITED.search(line):
                self._clean_up(*exited.groups())
            elif error := SPAWN_ERROR.search(line):
                self._warn_sometimes(error[1], f"A process cannot be started: {error[1]}")
        return complaint

    def _clean_up(self, name: str, reason: str) -> None:
        """supervisord starts it again; what the dead process left running is ended here."""
        assert self.supervisord is not None
        family.end_children(spare=self.supervisord.pid)
        log = paths.shown(paths.log_dir(self.data_dir) / f"{name}.log")
        self._warn_sometimes(name, f"{name} ended ({reason}) and is started again; log: {log}")

    def _warn_sometimes(self, key: str, sentence: str) -> None:
        """Says the same thing every half minute at most: a crash loop must not flood."""
        now = time.monotonic()
        if now - self._warned.get(key, -QUIET_S) >= QUIET_S:
            self._warned[key] = now
            warn(sentence)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        """The first signal asks for an orderly end; a second Ctrl-C takes it."""
        if self.is_stopping:
            if number == signal.SIGINT:
                family.end_children()
            return
        self.is_stopping = True
        say("\nStopping …")
        if self.supervisord is not None:
            self.supervisord.terminate()

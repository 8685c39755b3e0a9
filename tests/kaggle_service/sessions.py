"""A pushed version as a process group: its places, its log, its time limit, its end."""

import contextlib
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from tests.kaggle_service.options import Options

CELL_RUNNER = Path(__file__).with_name("run_cells.py")
FINAL = ("COMPLETE", "ERROR", "CANCEL_ACKNOWLEDGED")


@dataclass(frozen=True)
class Plan:
    """inputs: folder of a dataset's files, and where below root/input they appear."""

    root: Path
    text: str
    is_notebook: bool
    owner: str
    accelerator: str
    timeout_s: float
    inputs: tuple[tuple[Path, Path], ...] = ()


@dataclass
class Log:
    """Events {stream_name, time, data} in their order; readers may wait for more."""

    events: list[dict[str, Any]] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)
    has_ended: bool = False

    def add(self, stream: str, seconds: float, data: str) -> None:
        with self.changed:
            self.events.append({"stream_name": stream, "time": round(seconds, 3), "data": data})
            self.changed.notify_all()

    def end(self) -> None:
        with self.changed:
            self.has_ended = True
            self.changed.notify_all()

    def follow(self) -> Iterator[dict[str, Any]]:
        position = 0
        while True:
            with self.changed:
                while not (self.has_ended or len(self.events) > position):
                    self.changed.wait()
                news = self.events[position:]
            if not news:
                return
            position += len(news)
            yield from news

    def snapshot(self) -> list[dict[str, Any]]:
        with self.changed:
            return list(self.events)

    @property
    def text(self) -> str:
        return "".join(event["data"] for event in self.snapshot())


class Session:
    """Starts at once in a thread of its own. status: as Kaggle words it."""

    def __init__(self, plan: Plan, options: Options, python: str) -> None:
        self.plan = plan
        self.options = options
        self.python = python
        self.status = "QUEUED"
        self.message = ""
        self.log = Log()
        self.started: float | None = None
        self.ended: float | None = None
        self.output: tuple[str, ...] = ()
        self._is_out_of_time = False
        self._lock = threading.Lock()
        self._cancelled = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def working(self) -> Path:
        return self.plan.root / "working"

    @property
    def is_over(self) -> bool:
        return self.status in FINAL

    @property
    def seconds(self) -> float:
        """For so long it has run."""
        if self.started is None:
            return 0.0
        return (self.ended or time.monotonic()) - self.started

    def holds_slot(self) -> bool:
        if not self.is_over:
            return True
        return self.ended is not None and time.monotonic() < self.ended + self.options.slot_lag_s

    def cancel(self) -> None:
        """As a person does on the site; no call of the public API can."""
        with self._lock:
            if not self.is_over:
                self.status = "CANCEL_REQUESTED"
        self._cancelled.set()

    def wait(self, seconds: float = 60) -> bool:
        self._thread.join(seconds)
        return self.is_over

    def visible_output(self) -> list[str]:
        if self.is_over:
            return list(self.output)
        return self._files() if self.options.shows_output_while_running else []

    def _files(self) -> list[str]:
        if not self.working.is_dir():
            return []
        paths = (path for path in self.working.rglob("*") if path.is_file())
        return sorted(str(path.relative_to(self.working)) for path in paths)

    def _run(self) -> None:
        try:
            status = self._live()
        except OSError as error:
            status, self.message = "ERROR", f"The session could not be started: {error}"
        self.ended = time.monotonic()
        self.output = tuple(self._files()) if self._keeps_output(status) else ()
        self.log.end()
        with self._lock:
            self.status = status

    def _live(self) -> str:
        if self._cancelled.wait(self.options.queue_s):
            return "CANCEL_ACKNOWLEDGED"
        self._make_places()
        process = self._start()
        readers = self._read(process)
        try:
            status = self._judge(process)
        finally:
            self._end_all(process)
            for reader in readers:
                reader.join(5)
        return status

    def _make_places(self) -> None:
        for name in ("working", "input", "src", "temp", "home"):
            (self.plan.root / name).mkdir(parents=True)
        for source, place in self.plan.inputs:
            folder = self.plan.root / "input" / place
            shutil.copytree(source, folder)
            for path in (folder, *folder.rglob("*")):
                path.chmod(0o555 if path.is_dir() else 0o444)
        self._script.write_text(self.plan.text, encoding="utf-8")

    @property
    def _script(self) -> Path:
        return self.plan.root / "src" / ("script.ipynb" if self.plan.is_notebook else "script.py")

    def _start(self) -> "subprocess.Popen[str]":
        runner = [str(CELL_RUNNER)] if self.plan.is_notebook else []
        strict = ["--exit-is-error"] if runner and self.options.exit_cell_is_error else []
        self.started = time.monotonic()
        process = subprocess.Popen(
            [self.python, *runner, str(self._script), *strict], cwd=self.working,
            env=self._environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, errors="replace", start_new_session=True,
        )  # fmt: skip
        with self._lock:
            if self.status == "QUEUED":
                self.status = "RUNNING"
        return process

    def _environment(self) -> dict[str, str]:
        root = self.plan.root
        return {
            "PATH": f"{Path(self.python).parent}:/usr/bin:/bin",
            "HOME": str(root / "home"),
            "TMPDIR": str(root / "temp"),
            "LANG": "C.UTF-8",
            "KAGGLE_KERNEL_RUN_TYPE": "Batch",
            "PALAESTRA_KAGGLE_ROOT": str(root),
            **self.options.environment,
        }

    def _read(self, process: "subprocess.Popen[str]") -> list[threading.Thread]:
        assert process.stdout is not None
        assert process.stderr is not None
        pipes = (("stdout", process.stdout), ("stderr", process.stderr))
        threads = [threading.Thread(target=self._copy, args=pipe, daemon=True) for pipe in pipes]
        for thread in threads:
            thread.start()
        return threads

    def _copy(self, stream: str, pipe: IO[str]) -> None:
        with pipe:
            for line in pipe:
                self.log.add(stream, self.seconds, line)

    def _judge(self, process: "subprocess.Popen[str]") -> str:
        assert self.started is not None
        deadline = self.started + self.plan.timeout_s
        while (code := self._poll(process)) is None:
            if self._cancelled.is_set():
                return "CANCEL_ACKNOWLEDGED"
            if time.monotonic() >= deadline:
                return self._time_out(process)
        if code == 0:
            return "COMPLETE"
        self.message = f"The script ended with exit code {code}"
        return "ERROR"

    @staticmethod
    def _poll(process: "subprocess.Popen[str]") -> int | None:
        try:
            return process.wait(0.02)
        except subprocess.TimeoutExpired:
            return None

    def _time_out(self, process: "subprocess.Popen[str]") -> str:
        self._is_out_of_time = True
        self.message = "The session ran for longer than it was allowed to"
        if self.options.term_grace_s is not None:
            os.killpg(process.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(self.options.term_grace_s)
        return self.options.timeout_status

    def _end_all(self, process: "subprocess.Popen[str]") -> None:
        """The machine goes with everything on it, also what left the group."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        while pids := self.processes():
            for pid in pids:
                _kill(pid)
            process.poll()
            time.sleep(0.005)
        process.wait()

    def processes(self) -> list[int]:
        mark = f"PALAESTRA_KAGGLE_ROOT={self.plan.root}".encode()
        return [pid for pid in _processes() if mark in _environment_of(pid)]

    def _keeps_output(self, status: str) -> bool:
        if self._is_out_of_time:
            return self.options.keeps_output_of_timeout
        return status == "COMPLETE" or (status == "ERROR" and self.options.keeps_output_of_error)


def _processes() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def _environment_of(pid: int) -> list[bytes]:
    """Empty for what is gone, a zombie or somebody else's."""
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return

"""Runs of the toy task, in this process and in others, and what must agree of two of them."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tests.training import toy_task
from training import checkpoint, launch, storage
from training.metrics import CLOCKS, TRACKER_CLOCKS
from training.stop import Stop

assert toy_task.KNOBS  # importing it has made "toy" known
CONFIG = {
    "task": "toy",
    "seed": 3,
    "total_steps": 4000,
    "log_interval": 300,
    "save_interval": 1000,
    "evaluate_interval": 700,
    "toy": {"pause": 0.002},
}
COMMAND = (sys.executable, "-m", "tests.training.toy_task", "run")
COMPILED = {
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
}


def write_config(folder: Path, **changes: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "config.json"
    path.write_text(json.dumps({**CONFIG, **changes}))
    return path


def train_here(
    out: Path,
    *overrides: str,
    resume: str = "auto",
    deadline_seconds: float | None = None,
    **changes: Any,
) -> int:
    """The exit code of a run in this process."""
    config = write_config(out.parent / f"{out.name}-config", **changes)
    return launch.launch(str(config), overrides, out, resume, Stop(deadline_seconds))


class Process:
    """A run in a process of its own; `lines` are what it has printed so far."""

    def __init__(
        self,
        out: Path,
        *options: str,
        cache: Path | None = None,
        environment: Mapping[str, str] = MappingProxyType({}),
        **changes: Any,
    ) -> None:
        config = write_config(out.parent / f"{out.name}-config", **changes)
        cached = {**COMPILED, "JAX_COMPILATION_CACHE_DIR": str(cache)} if cache else {}
        self.out, self.lines, self.errors = out, list[str](), list[str]()
        self.started = time.monotonic()
        self.popen = subprocess.Popen(
            [*COMMAND, str(config), "--out", str(out), *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "JAX_PLATFORMS": "cpu", **cached, **environment},
        )
        pipes = ((self.popen.stdout, self.lines), (self.popen.stderr, self.errors))
        self._readers = [threading.Thread(target=_read, args=pair) for pair in pipes]
        for reader in self._readers:
            reader.start()

    def wait_for(self, condition: Callable[[], bool], seconds: float = 60) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert self.popen.poll() is None, (self.lines, self.errors)
            assert time.monotonic() < end, (self.lines, self.errors)
            time.sleep(0.002)

    def wait_for_line(self, start: str) -> None:
        self.wait_for(lambda: any(line.startswith(start) for line in self.lines))

    def send(self, number: signal.Signals = signal.SIGTERM) -> float:
        """Sends the signal, waits for the end; returns the seconds that it took."""
        began = time.monotonic()
        self.popen.send_signal(number)
        self.code(60)
        return time.monotonic() - began

    def code(self, seconds: float = 120) -> int:
        try:
            code = self.popen.wait(seconds)
        finally:
            self.popen.kill()
            for reader in self._readers:
                reader.join()
        return code


def _read(pipe: Any, lines: list[str]) -> None:
    with pipe:
        for line in pipe:
            lines.append(line.rstrip("\n"))


def summary(out: Path) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((out / "summary.json").read_text())
    return data


def metrics(out: Path) -> list[dict[str, Any]]:
    """The lines of metrics.jsonl without what clocks say."""
    lines = map(json.loads, (out / "metrics.jsonl").read_text().splitlines())
    return [{name: line[name] for name in line if name not in CLOCKS} for line in lines]


def regular_steps(out: Path) -> list[int]:
    return sorted(int(path.stem.removeprefix("step_")) for path in out.glob("step_*.safetensors"))


def content(path: Path) -> tuple[dict[str, tuple[str, bytes]], dict[str, Any], dict[str, Any]]:
    """Tensors to the bit, trackers without clocks, the configuration."""
    tensors, manifest = storage.read(path)
    bits = {name: (str(array.dtype), array.tobytes()) for name, array in tensors.items()}
    trackers = {k: v for k, v in manifest.trackers.items() if k not in TRACKER_CLOCKS}
    return bits, trackers, manifest.config


def assert_same(out: Path, reference: Path) -> None:
    """The run in `out` ended as the other did, to the bit, with the same files."""
    assert metrics(out) == metrics(reference)
    names = [path.name for path in checkpoint.candidates(reference)]
    assert [path.name for path in checkpoint.candidates(out)] == names
    for name in names:
        assert content(out / name) == content(reference / name), name

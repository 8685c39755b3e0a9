"""The smallest self-play that learns: its configuration, and runs of it here and elsewhere."""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax
from jax.experimental.compilation_cache import compilation_cache

from tests.training.toy_runs import COMPILED
from training import config, launch
from training.program import Program
from training.stop import Stop

# All that can be: what the tests say must not hang on anyone's idea of a good default.
SELFPLAY = {
    "environment": "tictactoe",
    "network": {"kind": "mlp", "width": 16, "depth": 2},
    "search": {"simulations": 8, "considered": 9, "value_weight": 0.05},
    "games": 16,
    "moves_per_update": 8,
    "buffer": 64,
    "opening": {"moves": 9, "chance": 0.3},
    "learning": {
        "batch": 64,
        "batches": 4,
        "learning_rate": 0.003,
        "decay": 40_000,
        "weight_decay": 0.0001,
        "value_weight": 1.0,
        "lam": 0.9,
    },
    "arena": {"games": 16, "past": 2, "simulations": 8, "depth": 2},
}
CONFIG = {
    "task": "selfplay",
    "seed": 3,
    "total_steps": 12_000,
    "log_interval": 500,
    "save_interval": 1300,
    "evaluate_interval": 4200,
    "selfplay": SELFPLAY,
}


def settings(**changes: Any) -> Any:
    """The task's own Config."""
    return config.from_dict(CONFIG | {"selfplay": SELFPLAY | changes}).settings


def program() -> Program:
    """Its update compiled."""
    made = Program(config.from_dict(CONFIG))
    made.compile()
    return made


@contextlib.contextmanager
def caching(folder: Path) -> Iterator[None]:
    """What this process compiles is kept in a folder, and taken from there."""
    names = {"jax_compilation_cache_dir": str(folder)}
    names |= {name.lower(): json.loads(value) for name, value in COMPILED.items()}
    before = {name: getattr(jax.config, name) for name in names}
    _configure(names)
    try:
        yield
    finally:
        _configure(before)


def _configure(values: dict[str, Any]) -> None:
    for name, value in values.items():
        jax.config.update(name, value)
    compilation_cache.reset_cache()


def train_here(out: Path, cache: Path) -> int:
    """The exit code of a run in this process."""
    with caching(cache):
        return launch.launch(str(_write_config(out)), (), out, "auto", Stop())


class Process:
    """A run in a process of its own. log: what it prints."""

    def __init__(self, out: Path, cache: Path) -> None:
        self.out, self.log = out, out.parent / f"{out.name}.log"
        command = [sys.executable, "-m", "training", "run", _write_config(out), "--out", out]
        environment = {**os.environ, **COMPILED, "JAX_COMPILATION_CACHE_DIR": str(cache)}
        with self.log.open("a") as log:
            self.popen = subprocess.Popen(
                command, stdout=log, stderr=log, env=environment | {"JAX_PLATFORMS": "cpu"}
            )

    @property
    def lines(self) -> int:
        """Of metrics so far."""
        path = self.out / "metrics.jsonl"
        return path.read_bytes().count(b"\n") if path.exists() else 0

    def wait_for(self, condition: Callable[[], bool], seconds: float = 120) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert self.popen.poll() is None, self.log.read_text()
            assert time.monotonic() < end, self.log.read_text()
            time.sleep(0.001)

    def send(self, number: int) -> int:
        """The exit code, as a shell has it, after this signal."""
        self.popen.send_signal(number)
        return self.code()

    def code(self, seconds: float = 200) -> int:
        try:
            return self.popen.wait(seconds)
        finally:
            self.popen.kill()


def _write_config(out: Path) -> Path:
    path = out.parent / f"{out.name}.json"
    path.write_text(json.dumps(CONFIG))
    return path

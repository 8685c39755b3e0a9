"""The smallest self-play that learns: its configuration, and processes that run it."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.training.toy_runs import COMPILED
from training import config

# All that can be: what the tests say must not hang on anyone's idea of a good default.
SELFPLAY = {
    "environment": "tictactoe",
    "network": {"kind": "mlp", "width": 16, "depth": 2},
    "search": {"simulations": 8, "considered": 9, "value_weight": 0.05},
    "games": 16,
    "shards": 2,
    "moves_per_update": 8,
    "buffer": 64,
    "opening": {"moves": 9, "chance": 0.3},
    "learning": {
        "batch": 64,
        "batches": 4,
        "learning_rate": 0.003,
        "decay": 200_000,
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


def variables(cache: Path, optimised: bool) -> dict[str, str]:
    """Of the environment of a run."""
    return COMPILED | {
        "JAX_COMPILATION_CACHE_DIR": str(cache),
        "JAX_DISABLE_MOST_OPTIMIZATIONS": str(int(not optimised)),
        "JAX_PLATFORMS": "cpu",
    }


class Process:
    """A run in a process of its own, by default on all cores. log: what it prints.

    optimised: as people run it; else compiled in half the time, to slower code.
    """

    given: dict[str, Any] = CONFIG

    def __init__(
        self, out: Path, cache: Path, cores: int | None = None, optimised: bool = False
    ) -> None:
        self.out, self.log = out, out.parent / f"{out.name}.log"
        command = [
            sys.executable,
            "-m",
            "training",
            "run",
            write_config(out, self.given),
            "--out",
            out,
        ]
        environment = os.environ | variables(cache, optimised)
        with self.log.open("a") as log:
            self.popen = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        # Python is still starting: JAX has not looked yet.
        os.sched_setaffinity(self.popen.pid, sorted(os.sched_getaffinity(0))[:cores])

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


def write_config(out: Path, given: dict[str, Any] = CONFIG) -> Path:
    path = out.parent / f"{out.name}.json"
    path.write_text(json.dumps(given))
    return path

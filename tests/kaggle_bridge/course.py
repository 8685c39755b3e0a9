"""A run on its way through the real client and the local service; its trainer is quick_kernel."""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kaggle_bridge import driver, runs
from kaggle_bridge.models import TrainingRun
from tests.kaggle_service import Account, KaggleService

PROJECT = Path(__file__).parents[2]
QUICK = Path(__file__).with_name("quick_kernel.py")
KEY, TOKEN = "key-0123456789abcdef-of-alice", "KGAT_0123456789abcdef-of-alice"
TOTAL = 400
CONFIG = {
    "task": "selfplay", "seed": 0, "total_steps": TOTAL, "log_interval": 100,
    "save_interval": 100, "evaluate_interval": 100,
    "selfplay": {"environment": "tictactoe", "network": {"kind": "mlp", "width": 8, "depth": 1}},
}  # fmt: skip
FACTS = {"task": "selfplay", "environment": "tictactoe", "version": "1.0.0", "has_arena": True}


def quick_python(folder: Path, plan: Sequence[str]) -> str:
    """A program that takes a kernel as Python would, and acts as planned."""
    told = folder / "plan.json"
    told.write_text(json.dumps(list(plan)))
    program = folder / "python"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} {QUICK} {told} "$@"\n')
    program.chmod(0o755)
    return str(program)


@contextmanager
def serving(
    folder: Path, plan: Sequence[str] = ("all",), **options: Any
) -> Iterator[KaggleService]:
    accounts = {"alice": Account(key=KEY, token=TOKEN)}
    python = quick_python(folder, plan)
    with KaggleService(folder / "kaggle", accounts, python=python, **options) as service:
        yield service


def a_draft(**fields: Any) -> TrainingRun:
    values = {
        "preset": "tictactoe", "resolved": CONFIG, "facts": FACTS, "total_steps": TOTAL,
        "backend": "kaggle", "session_s": 600,
    }  # fmt: skip
    return TrainingRun.objects.create(**(values | fields))


def started(**fields: Any) -> TrainingRun:
    run = a_draft(**fields)
    runs.start(run)
    return run


def is_over(run: TrainingRun) -> bool:
    return run.ended is not None


def drive(
    run: TrainingRun, until: Callable[[TrainingRun], bool] = is_over, seconds: float = 90.0
) -> TrainingRun:
    """Moves it on without its pauses, until it is as wanted."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        driver.advance(run.pk)
        run.refresh_from_db()
        if until(run):
            return run
        if run.waits_until:
            run.keep(waits_until=None)
        time.sleep(0.1)
    raise AssertionError(f"not within {seconds:.0f} s: {run.state}, {run.note}, {run.error}")


def story(run: TrainingRun) -> list[tuple[int, str, int]]:
    """Number, state and last step of each session."""
    return list(run.sessions.values_list("number", "state", "step"))


def steps(run: TrainingRun) -> list[int]:
    return list(run.checkpoints.values_list("step", flat=True))


def variables(service: KaggleService, **more: str) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], **service.environ("alice"), **more}

"""One training run of a preset, by the command that users have, and what it left on its way."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from training.stop import DEADLINE_CODE

STARTING_SECONDS = 30  # for imports and compilation, which the figures do not count
KEPT = 1_000_000


class Moment(NamedTuple):
    """seconds: of training, without start and compilation. moves: played by then."""

    seconds: float
    moves: int
    checkpoint: Path


def train(
    preset: str, folder: Path, seconds: float, every: int, overrides: Sequence[str]
) -> list[Moment]:
    """Trains for so many seconds and returns what was saved, about every `every` moves.

    Raises CalledProcessError where the run fails, ValueError where it has saved nothing in time.
    """
    settings = [f"save_interval={every}", f"log_interval={every}", f"keep={KEPT}"]
    settings += ["evaluate_interval=0", *overrides]
    command = [sys.executable, "-m", "training", "run", preset, "--resume", "none"]
    command += ["--out", str(folder), "--deadline-seconds", str(seconds + STARTING_SECONDS)]
    command += [part for setting in settings for part in ("--set", setting)]
    done = subprocess.run(command, env=environment(), stdout=subprocess.DEVNULL)
    if done.returncode not in (0, DEADLINE_CODE):
        raise subprocess.CalledProcessError(done.returncode, command)
    reached = [moment for moment in moments(folder) if moment.seconds <= seconds]
    if not reached:
        raise ValueError(f"{preset} has saved nothing within {seconds:g} seconds of training")
    return reached


def updater(preset: str, overrides: Sequence[str]) -> Callable[[], int]:
    """A preset's updates, learning included, as a run makes them; each call gives its steps."""
    from training import config, devices  # JAX
    from training.program import Program

    run = config.load(preset, overrides)
    devices.choose(run.device)
    program = Program(run)
    program.compile()
    state, step = program.init(), 0

    def update() -> int:
        nonlocal state, step
        before = step
        state, step, _ = program.update(state)
        return step - before

    return update


def environment() -> dict[str, str]:
    """For a program of the project, started from wherever this one was."""
    return os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}


def moments(folder: Path) -> list[Moment]:
    """The checkpoints of a run that logs when it saves; its first line tells when it started."""
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    started = lines[0]["seconds"] - lines[0]["step"] / lines[0]["steps_per_second"]
    found = [
        Moment(line["seconds"] - started, line["step"], folder / f"step_{line['step']}.safetensors")
        for line in lines
    ]
    return [moment for moment in found if moment.checkpoint.exists()]


def thinned(course: Sequence[Moment], shares: Sequence[float]) -> list[Moment]:
    """The last moment, and those next to these shares of its time."""
    end = course[-1].seconds
    chosen = [min(course, key=lambda moment: abs(moment.seconds - share * end)) for share in shares]
    return sorted({*chosen, course[-1]})

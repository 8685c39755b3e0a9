"""`python -m training bench`: what a run of this configuration costs on this machine."""

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from training import checkpoint, config, devices, memory
from training.manifest import Manifest
from training.program import Program

WARM, TIMED = 2, 8


def bench(name: str, overrides: Sequence[str]) -> Iterator[str]:
    """A line for each figure, as soon as it is known. Raises TrainingError."""
    run = config.load(name, overrides)
    devices.choose(run.device)
    program = Program(run)
    yield f"{'device':24}{devices.describe()}"
    yield f"{'state':24}{memory.shown(memory.size(program.shapes))}"
    spent, _ = _timed(program.compile)
    yield f"{'compilation':24}{spent:.1f} s"
    state, times, steps = program.init(), [], [0]
    for _ in range(WARM + TIMED):
        spent, (state, step, _) = _timed(partial(program.update, state))
        times.append(spent)
        steps.append(step)
    each = statistics.median(times[WARM:])
    yield f"{'update':24}{each * 1000:,.0f} ms, {(steps[-1] - steps[-2]) / each:,.0f} steps/s"
    if program.evaluates:
        (first, _), (again, _) = (_timed(partial(program.evaluate, state)) for _ in range(2))
        yield f"{'evaluation':24}{again:.2f} s, the first {first:.2f} s"
    manifest = Manifest(run.task, steps[-1], config.to_dict(run))
    yield f"{'checkpoint':24}{_checkpoint(program, state, manifest)}"


def _checkpoint(program: Program, state: Any, manifest: Manifest) -> str:
    with tempfile.TemporaryDirectory() as folder:
        path = checkpoint.regular(Path(folder), manifest.step)
        saving, _ = _timed(lambda: checkpoint.save(path, state, manifest))
        loading, _ = _timed(lambda: checkpoint.load(path, program.shapes))
        size = memory.shown(path.stat().st_size)
    return f"{size}, saved in {saving * 1000:,.0f} ms, loaded in {loading * 1000:,.0f} ms"


def _timed(call: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    result = call()
    return time.perf_counter() - start, result

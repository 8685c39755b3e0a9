"""Connectx in JAX beside pgx: random legal games, begun anew as they end, in turn in one process."""

import importlib
import json
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

from benchmarks.measure import Row, alternate
from benchmarks.training import cores
from benchmarks.training.course import environment

BATCHES = (1024, 4096)
STEPS, ROUNDS = 200, 9
# Times as fast, at least and better: without and with the planes that a network sees.
WANTED = {False: (4, 6), True: (3, 4)}

Play = Callable[[Any], Any]


def rules() -> list[Row]:
    """In a process of its own, since JAX takes the cores that it finds when it starts."""
    command = [sys.executable, "-m", "benchmarks.training.rules"]
    here = environment() | {"JAX_PLATFORMS": "cpu"}
    done = subprocess.run(command, env=here, capture_output=True, text=True, check=True)
    return [_row(*figures) for figures in json.loads(done.stdout)]


def _row(planes: bool, batch: int, ours: float, theirs: float | None) -> Row:
    """ours, theirs: million steps a second."""
    must, stretch = WANTED[planes]
    what = f"connectx in JAX, {batch:,} random games, {'with' if planes else 'without'} planes"
    wanted = f"{must} times pgx, better {stretch}"
    if theirs is None:
        return Row(what, f"{ours:.1f} M steps/s (pgx is not installed)", wanted)
    measured = f"{ours / theirs:.1f} times ({ours:.1f} and {theirs:.1f} M steps/s)"
    return Row(what, measured, wanted, ours >= must * theirs)


def measured() -> list[tuple[bool, int, float, float | None]]:
    return [(planes, batch, *_rates(planes, batch)) for planes in WANTED for batch in BATCHES]


def _rates(planes: bool, batch: int) -> tuple[float, float | None]:
    """Medians, in million steps a second."""
    import jax

    players = [_ours(planes), _theirs(planes)]
    keys = jax.random.split(jax.random.key(7), STEPS)
    plays = [_compiled(player, batch, keys) for player in players if player]
    if len(plays) == 2 and plays[0]() != plays[1]():
        raise RuntimeError("Connectx and pgx ended different numbers of games by the same chance.")
    spent = alternate(plays[0], plays[-1], ROUNDS)
    ours, theirs = (batch * STEPS / each / 1e6 for each in spent)
    return ours, theirs if len(plays) == 2 else None

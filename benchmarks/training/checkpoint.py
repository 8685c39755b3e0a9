"""Saving and loading a checkpoint beside the safetensors package, which checks no sums."""

import importlib
import statistics
import tempfile
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from benchmarks.measure import Row, seconds
from training import checkpoint
from training.manifest import Manifest

LAYERS, WIDTH = 4, 499  # (499 + 1) * 499 parameters a layer, 998,000 together
ROUNDS, WARM_UP, KEEP = 21, 6, 5
MEMORY = Path("/dev/shm")
MUST_MS, BETTER_MS = 20, 10


def checkpoints() -> list[Row]:
    """On a disk, where saving waits for it, and in memory, which leaves the work alone."""
    rows = [_row("on a disk", None)]
    if MEMORY.is_dir():
        rows.append(_row("in memory", MEMORY))
    return rows


def _row(where: str, root: Path | None) -> Row:
    """Medians, ours and the package's in turn; the first rounds find memory and code."""
    state = _state()
    with tempfile.TemporaryDirectory(dir=root) as folder:
        rounds = [_round(Path(folder), state, step) for step in range(ROUNDS + WARM_UP)]
    columns = zip(*rounds[WARM_UP:], strict=True)
    save, load, other_save, other_load = (statistics.median(column) * 1000 for column in columns)
    return Row(
        f"checkpoint of 1 M parameters with Adam {where}, save and load",
        f"{save + load:.1f} ms: {save:.1f} and {load:.1f}"
        f" (safetensors: {other_save:.1f} and {other_load:.1f})",
        f"{MUST_MS} ms, better {BETTER_MS}",
        save + load <= MUST_MS,
    )


def _round(folder: Path, state: Any, step: int) -> tuple[float, float, float, float]:
    """Seconds to save and to load, ours and the package's; both folders keep as many files."""
    package = importlib.import_module("safetensors.numpy")
    ours, theirs = checkpoint.regular(folder, step), folder / f"theirs_{step}"
    tensors = {str(number): np.asarray(leaf) for number, leaf in enumerate(jax.tree.leaves(state))}
    times = (
        seconds(lambda: checkpoint.save(ours, state, Manifest("benchmark", step, {}))),
        seconds(lambda: jax.block_until_ready(checkpoint.load(ours, state)[0])),
        seconds(lambda: package.save_file(tensors, theirs)),
        seconds(lambda: package.load_file(theirs)),
    )
    checkpoint.rotate(folder, KEEP)
    (folder / f"theirs_{step - KEEP}").unlink(missing_ok=True)
    return times


def _state() -> Any:
    """Random weights and Adam's moments of them."""
    keys = jax.random.split(jax.random.key(0), LAYERS)
    params = {
        f"layer_{number}": {
            "kernel": jax.random.normal(key, (WIDTH, WIDTH)),
            "bias": jnp.zeros(WIDTH),
        }
        for number, key in enumerate(keys)
    }
    moments = optax.adam(1e-3).init(params)
    return jax.block_until_ready({"params": params, "opt_state": moments})

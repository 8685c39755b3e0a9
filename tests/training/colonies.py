"""Checkpoints of foraging populations with random weights, and agents exported from them."""

from pathlib import Path
from typing import Any

import numpy as np

from training import export, storage
from training.folder import replacing
from training.manifest import Manifest

WIDTH, CHANNELS = 16, 4
WORLDS, SLOTS = 2, 12
GENOMES, HARVEST = "life/population/genomes", "life/population/harvest"
LIVING = "life/worlds/alive"
# In the order of a genome: what an agent has of its own.
OWN = ("norm_0/scale", "norm_0/bias", "norm_1/scale", "norm_1/bias", "policy/kernel", "policy/bias")


def shapes_of(width: int, channels: int) -> dict[str, tuple[int, ...]]:
    inputs = 21 + 6 * channels
    kernels = {
        "dense_0": (inputs, width),
        "dense_1": (width, width),
        "policy": (width, 5),
        "value": (width, 1),
    }
    return (
        {f"{layer}/kernel": shape for layer, shape in kernels.items()}
        | {f"{layer}/bias": shape[1:] for layer, shape in kernels.items()}
        | {f"norm_{number}/{part}": (width,) for number in (0, 1) for part in ("scale", "bias")}
    )


def params_of(width: int = WIDTH, channels: int = CHANNELS, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {
        name: rng.normal(name.endswith("scale"), 0.5, shape).astype(np.float32)
        for name, shape in shapes_of(width, channels).items()
    }


def population_of(width: int = WIDTH, seed: int = 0) -> dict[str, np.ndarray]:
    """Genomes unlike each other, and who of them lives and has delivered how much."""
    rng = np.random.default_rng(seed)
    shapes = shapes_of(width, CHANNELS)
    size = sum(int(np.prod(shapes[name])) for name in OWN)
    return {
        GENOMES: rng.normal(0, 0.5, (WORLDS, SLOTS, size)).astype(np.float32),
        HARVEST: rng.permutation(WORLDS * SLOTS).astype(np.int32).reshape(WORLDS, SLOTS),
        LIVING: np.arange(WORLDS * SLOTS).reshape(WORLDS, SLOTS) % 4 != 3,
    }


def tensors_of(width: int = WIDTH, channels: int = CHANNELS, seed: int = 0) -> dict[str, Any]:
    params = {f"params/{name}": each for name, each in params_of(width, channels, seed).items()}
    return params | population_of(width, seed)


def write_checkpoint(
    path: Path, width: int = WIDTH, channels: int = CHANNELS, seed: int = 0, **changes: Any
) -> Path:
    """changes: to the manifest; those in `tensors` replace random ones, None leaves one out."""
    tensors = tensors_of(width, channels, seed) | changes.pop("tensors", {})
    settings = {"world": {"channels": channels}, "network": {"width": width}}
    manifest = {
        "task": "foraging",
        "step": 1000,
        "config": {"task": "foraging", "foraging": settings},
        "environment": {"name": "foraging", "version": "1.0.0", "configuration": {}},
    } | changes
    with replacing(path) as file:
        sound = {name: each for name, each in tensors.items() if each is not None}
        storage.write(file, sound, Manifest(**manifest))
    return path


def exported(folder: Path, **changes: Any) -> Path:
    """A single main.py."""
    export.export(write_checkpoint(folder / "step_1000.safetensors", **changes), folder / "main.py")
    return folder / "main.py"

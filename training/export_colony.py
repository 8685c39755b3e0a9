"""What an agent for the foraging contest is made of: the policy and the most useful genomes."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluation.envs.foraging.world import ACTIONS, World
from training.manifest import Manifest
from training.packing import ExportError, Recipe, Shapes, check_tensors, count
from training.safetensors import Array
from training.storage import WEIGHTS

ENVIRONMENT = "foraging"
FIXED = ("channels",)  # of the configuration: the size of what the network sees
MAX_CHANNELS = 8
POOL = 16  # genomes that an agent holds at most
LIVING, HARVEST = "life/worlds/alive", "life/population/harvest"
GENOMES = "life/population/genomes"
DTYPES = {LIVING: "bool", HARVEST: "int32", GENOMES: "float32"}
MODULES = ("colony/network", "colony/colony", "colony/main")


def recipe(found: Manifest, tensors: Mapping[str, Array], move_seconds: float) -> Recipe:
    """move_seconds: unused, for a colony answers at once."""
    about = describe(found)
    weights = {name: tensor for name, tensor in tensors.items() if name.startswith(WEIGHTS)}
    check_tensors(weights, expected_shapes(about))
    acting = {
        name.removeprefix(WEIGHTS): tensor
        for name, tensor in weights.items()
        if not name.startswith(f"{WEIGHTS}value/")
    }
    return Recipe(about, acting | {"genomes": pool(tensors, about["network"]["width"])}, MODULES)


def describe(found: Manifest) -> dict[str, Any]:
    """environment, network (inputs, width) and step of a checkpoint."""
    environment = found.environment.get("name", ENVIRONMENT)
    if environment != ENVIRONMENT:
        raise ExportError(f"This checkpoint is of {environment!r}, not of {ENVIRONMENT!r}.")
    try:
        settings = found.config[found.task]
        channels = count(settings["world"]["channels"], 2, MAX_CHANNELS)
        width = count(settings["network"]["width"])
    except (KeyError, TypeError, ValueError):
        raise ExportError("This checkpoint does not say what network it holds.") from None
    return {
        "environment": ENVIRONMENT,
        "network": {"inputs": World(channels=channels).observation_size, "width": width},
        "step": found.step,
    }


def expected_shapes(about: Mapping[str, Any]) -> Shapes:
    """The tensors of the network, as `training.policy` builds it."""
    inputs, width = about["network"]["inputs"], about["network"]["width"]
    kernels = {
        "dense_0": (inputs, width),
        "dense_1": (width, width),
        "policy": (width, len(ACTIONS)),
        "value": (width, 1),
    }
    shapes: Shapes = {f"{WEIGHTS}{name}/kernel": shape for name, shape in kernels.items()}
    shapes |= {f"{WEIGHTS}{name}/bias": shape[-1:] for name, shape in kernels.items()}
    norms = (f"{WEIGHTS}norm_{number}/{part}" for number in (0, 1) for part in ("scale", "bias"))
    return shapes | dict.fromkeys(norms, (width,))


def pool(tensors: Mapping[str, Array], width: int) -> NDArray[np.float32]:
    """float32[P, D]: offsets to the shared weights, of the living who delivered most.

    Where nobody lives, the shared weights as they are.
    """
    size = 4 * width + (width + 1) * len(ACTIONS)
    found = {name: tensors[name] for name in DTYPES if name in tensors}
    slots = found[HARVEST].shape if HARVEST in found else ()
    check_tensors(found, {LIVING: slots, HARVEST: slots, GENOMES: (*slots, size)}, DTYPES)
    living = np.flatnonzero(found[LIVING])
    harvest = found[HARVEST].ravel()[living].astype(np.int64)
    best = living[np.argsort(-harvest, kind="stable")[:POOL]]
    genomes: NDArray[np.float32] = found[GENOMES].reshape(-1, size)[best]
    if not np.isfinite(genomes).all():
        raise ExportError(f"This checkpoint has NaN or infinite numbers in {GENOMES}.")
    return genomes if len(best) else np.zeros((1, size), np.float32)

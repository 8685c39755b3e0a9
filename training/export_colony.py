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
MAX_CHANNELS = 8
POOL = 16  # genomes that an agent holds at most
LIVING = {"genomes": "float32", "harvest": "int32", "worlds/alive": "bool"}
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
    found = {name: tensors[name] for name in LIVING if name in tensors}
    slots = found["harvest"].shape if "harvest" in found else ()
    shapes = {"genomes": (*slots, size), "harvest": slots, "worlds/alive": slots}
    check_tensors(found, shapes, LIVING)
    living = np.flatnonzero(found["worlds/alive"])
    harvest = found["harvest"].ravel()[living].astype(np.int64)
    best = living[np.argsort(-harvest, kind="stable")[:POOL]]
    genomes: NDArray[np.float32] = found["genomes"].reshape(-1, size)[best]
    if not np.isfinite(genomes).all():
        raise ExportError("This checkpoint has NaN or infinite numbers in genomes.")
    return genomes if len(best) else np.zeros((1, size), np.float32)

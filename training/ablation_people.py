"""Who lives in a foraging checkpoint, read as data and checked. Nothing in it is executed."""

from collections.abc import Mapping
from pathlib import Path

import jax.numpy as jnp
import numpy as np

from training import config, storage
from training.ablation_conditions import People
from training.errors import Refused, TrainingError
from training.export_colony import GENOMES, LIVING, expected_shapes
from training.foraging_config import Config
from training.manifest import Manifest
from training.packing import check_tensors
from training.policy import Params
from training.safetensors import Array
from training.storage import WEIGHTS

TASK = "foraging"
ENERGY = "life/worlds/energy"
DTYPES = {LIVING: "bool"}


def read(path: Path) -> tuple[Config, People, Manifest]:
    """Configuration and population of a checkpoint. Raises Refused, one sentence."""
    try:
        return _read(path)
    except TrainingError as error:
        raise Refused(error.message) from None


def _read(path: Path) -> tuple[Config, People, Manifest]:
    tensors, found = storage.read(path)
    if found.task != TASK:
        raise Refused(f"This checkpoint is of the task {found.task!r}; an ablation is of {TASK!r}.")
    settings: Config = config.from_dict(found.config).settings
    return settings, _people(settings, _params(settings, tensors), tensors), found


def _people(settings: Config, params: Params, tensors: Mapping[str, Array]) -> People:
    slots = settings.num_envs, settings.world.max_agents
    shapes = {LIVING: slots, ENERGY: slots, GENOMES: (*slots, settings.genome_size)}
    life = {name: tensors[name] for name in shapes if name in tensors}
    check_tensors(life, shapes, DTYPES)
    alive = life[LIVING]
    if not alive.any():
        raise Refused("Nobody lives in this checkpoint.")
    genomes, energy = life[GENOMES], life[ENERGY]
    if not (np.isfinite(genomes).all() and np.isfinite(energy).all()):
        raise Refused("This checkpoint has NaN or infinite numbers in its genomes or energies.")
    mean = jnp.asarray(energy[alive].mean())
    return People(params, jnp.asarray(genomes), jnp.asarray(alive), mean)


def _params(settings: Config, tensors: Mapping[str, Array]) -> Params:
    world, network = settings.world, settings.network
    size = {"inputs": world.observation_size, "width": network.width}
    weights = {name: each for name, each in tensors.items() if name.startswith(WEIGHTS)}
    check_tensors(weights, expected_shapes({"network": size}))
    params: Params = {}
    for name, each in weights.items():
        layer, part = name.removeprefix(WEIGHTS).split("/")
        params.setdefault(layer, {})[part] = jnp.asarray(each)
    return params

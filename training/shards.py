"""Equal parts of an update's work, on as many devices as share them evenly.

The parts decide the results, not the devices: a run goes on to the bit with more or fewer of them.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

AXIS = "shards"


def mesh(parts: int) -> Mesh:
    """The devices that so many parts are spread over."""
    there = jax.devices()
    count = max(number for number in range(1, len(there) + 1) if parts % number == 0)
    return Mesh(np.array(there[:count]), (AXIS,))


def replicated(parts: int) -> NamedSharding:
    """Where a state lies whose parts are worked on together: whole, on each of the devices."""
    return NamedSharding(mesh(parts), PartitionSpec())


def divided(tree: Any, parts: int) -> Any:
    """Equal parts of what has a row for each game or world: leaves [parts, rows, ...]."""
    return jax.tree.map(lambda each: each.reshape(parts, -1, *each.shape[1:]), tree)


def joined(tree: Any) -> Any:
    """What `divided` was given."""
    return jax.tree.map(lambda each: each.reshape(-1, *each.shape[2:]), tree)


def gathered(tree: Any, parts: int) -> Any:
    """All of it on each device, so that what is made of it is to the bit what one would make."""
    return jax.lax.with_sharding_constraint(tree, replicated(parts))


def spread(call: Callable[[Any, Any], Any], parts: int, common: Any, divided: Any) -> Any:
    """call(common, part) of each part: first dimension of `divided`, and of what is returned."""

    def share(common: Any, divided: Any) -> Any:
        return jax.lax.map(partial(call, common), divided)

    split = PartitionSpec(AXIS)
    specs = (PartitionSpec(), split)
    spread_out = jax.shard_map(
        share, mesh=mesh(parts), in_specs=specs, out_specs=split, check_vma=False
    )
    return spread_out(common, divided)

"""How far apart the weights of agents are, and how the agents split into families.

Shapes: S agents. share: float32[S], what each counts for: 1 over their number, 0 of who does not.
"""

import jax.numpy as jnp
from jax import Array

TINY = 1e-12


def weights(shared: Array, genomes: Array, share: Array) -> tuple[Array, Array]:
    """Mean and largest cosine distance between the weights of two agents.

    0: all act by the same weights, or there are no two; 1: theirs have nothing in common.
    shared: float32[D], genomes: float32[S, D].
    """
    # Half the square of a difference of unit vectors is their cosine distance, exactly so where
    # they are nearly equal and one minus their product is not.
    offset = _direction(shared + genomes) - _direction(shared)
    squares = jnp.sum(offset**2, axis=-1)
    distances = jnp.maximum((squares[:, None] + squares) / 2 - offset @ offset.T, 0)
    pairs = jnp.where((share[:, None] > 0) & (share > 0), distances, 0)
    with_self = share @ pairs @ share
    return with_self / jnp.maximum(1 - jnp.max(share), TINY), jnp.max(pairs)


def families(lineage: Array, share: Array) -> tuple[Array, Array]:
    """Share of the agents in the largest family, and the effective number of families.

    That is exp of the entropy of the shares: the number of equal families that are as mixed. Both
    are 0 where nobody lives. lineage: int32[S].
    """
    related = (lineage[:, None] == lineage).astype(jnp.float32) @ share
    surprise = share @ -jnp.log(jnp.maximum(related, TINY))
    largest = jnp.max(jnp.where(share > 0, related, 0))
    return largest, jnp.where(largest > 0, jnp.exp(surprise), 0)


def _direction(weights: Array) -> Array:
    squares = jnp.sum(weights**2, axis=-1, keepdims=True)
    return weights / jnp.sqrt(jnp.maximum(squares, TINY))

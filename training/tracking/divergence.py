"""How far apart the weights of agents are that live together, and how they split into families."""

import jax.numpy as jnp
from jax import Array

TINY = 1e-12


def weights(shared: Array, genomes: Array, alive: Array) -> tuple[Array, Array]:
    """Mean and largest cosine distance between two living agents of one world, over all worlds.

    0: all act by the same weights; 1: theirs have nothing in common. Alone in all worlds: 0.
    shared: float32[D], genomes: float32[N, A, D], alive: bool[N, A].
    """
    own = shared + genomes
    ways = own / jnp.sqrt(jnp.maximum(jnp.sum(own**2, axis=-1, keepdims=True), TINY))
    count = jnp.sum(alive, axis=-1)
    mean = jnp.einsum("na,nad->nd", alive, ways) / jnp.maximum(count, 1)[:, None]
    # Differences of nearly equal unit vectors: exact where one minus their product is not.
    offset = jnp.where(alive[..., None], ways - mean[:, None], 0)
    squares = jnp.sum(offset**2, axis=-1)
    within = jnp.sum(squares, axis=-1) / jnp.maximum(count - 1, 1)
    products = jnp.einsum("nad,nbd->nab", offset, offset)
    distances = (squares[:, :, None] + squares[:, None]) / 2 - products
    is_pair = alive[:, :, None] & alive[:, None]
    largest = jnp.max(jnp.where(is_pair, distances, 0))
    return jnp.sum(within) / jnp.maximum(jnp.sum(count > 1), 1), jnp.maximum(largest, 0)


def families(lineage: Array, alive: Array) -> tuple[Array, Array]:
    """Share of a world's living in its largest family, and its effective number of families.

    The number is exp of the entropy of the shares: that of equal families as mixed as these. Both
    are means over the worlds with anyone alive. lineage: int32[N, A].
    """
    related = (lineage[:, :, None] == lineage[:, None]) & alive[:, None]
    count = jnp.maximum(jnp.sum(alive, axis=-1), 1)
    share = jnp.sum(related, axis=-1) / count[:, None]  # of each agent's own family
    largest = jnp.max(jnp.where(alive, share, 0), axis=-1)
    surprise = jnp.where(alive, -jnp.log(jnp.maximum(share, TINY)), 0)
    effective = jnp.exp(jnp.sum(surprise, axis=-1) / count)
    peopled = jnp.any(alive, axis=-1)
    worlds = jnp.maximum(jnp.sum(peopled), 1)
    return jnp.sum(largest) / worlds, jnp.sum(jnp.where(peopled, effective, 0)) / worlds

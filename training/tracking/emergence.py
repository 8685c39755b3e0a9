"""Order in the field that agents share: how spread out it is, and how smooth."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

from evaluation.envs.foraging.world import TERRITORY, TRAIL
from training.behaviour import entropy

WRITTEN = np.array([TRAIL, TERRITORY])
NOTHING = 1e-12


class Emergence(NamedTuple):
    """Means over all worlds and written channels; an empty channel counts as 0 in both.

    entropy: nats, of the field as shares over the cells; 0: all in one cell, log(cells): even.
    structure: Pearson's correlation of a cell with the mean of its neighbours, no less than 0;
    0: none, or nothing varies; 1: smooth.
    """

    entropy: Array
    structure: Array


def measure(field: Array) -> Emergence:
    """field: float32[N, R, K, C]."""
    channels = jnp.moveaxis(jnp.abs(field[..., WRITTEN]), -1, 0)
    total = jnp.sum(channels, axis=(-2, -1), keepdims=True)
    shares = channels / jnp.maximum(total, NOTHING)
    spread = entropy(shares.reshape(*shares.shape[:2], -1))
    return Emergence(jnp.mean(spread), jnp.mean(_smoothness(channels)))


def _smoothness(values: Array) -> Array:
    """Of each map in [..., R, K]."""
    around = _neighbours(values) / _neighbours(jnp.ones_like(values))
    ours, theirs = _centred(values), _centred(around)
    both = jnp.sqrt(jnp.mean(ours**2, axis=(-2, -1)) * jnp.mean(theirs**2, axis=(-2, -1)))
    together = jnp.mean(ours * theirs, axis=(-2, -1))
    return jnp.where(both > NOTHING, jnp.clip(together / jnp.maximum(both, NOTHING), 0, 1), 0)


def _neighbours(values: Array) -> Array:
    """Sum of the up to four neighbours that lie on the map."""
    rows, columns = values.shape[-2:]
    wide = jnp.pad(values, [(0, 0)] * (values.ndim - 2) + [(1, 1), (1, 1)])
    steps = ((0, 1), (2, 1), (1, 0), (1, 2))
    return sum((wide[..., i : i + rows, j : j + columns] for i, j in steps), jnp.zeros_like(values))


def _centred(values: Array) -> Array:
    return values - jnp.mean(values, axis=(-2, -1), keepdims=True)

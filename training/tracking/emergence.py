"""Order in the field that agents share: how spread out it is, and how smooth."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

from evaluation.envs.foraging.world import TERRITORY, TRAIL

WRITTEN = np.array([TRAIL, TERRITORY])
TINY = 1e-20
EVEN = 1e-5  # share of the mean square that the variance of an uneven map exceeds


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
    values = jnp.abs(field[..., WRITTEN])
    around = _around(values)
    logs = values * jnp.log(jnp.maximum(values, TINY))
    moments = jnp.stack([values, around, values**2, around**2, values * around, logs])
    mean, near, square, near_square, product, log = jnp.mean(moments, axis=(2, 3))
    total = jnp.maximum(mean, TINY)
    cells = field.shape[1] * field.shape[2]
    entropy = jnp.where(mean > TINY, jnp.log(cells * total) - log / total, 0)
    ours, theirs = square - mean**2, near_square - near**2
    varies = (ours > EVEN * square) & (theirs > EVEN * near_square)
    spread = jnp.where(varies, ours * theirs, 1)
    correlation = jnp.clip((product - mean * near) / jnp.sqrt(spread), 0, 1)
    return Emergence(jnp.mean(entropy), jnp.mean(jnp.where(varies, correlation, 0)))


def _around(values: Array) -> Array:
    """Mean of the up to four neighbours that lie on the map [:, R, K, :]."""
    rows, columns = values.shape[1:3]
    wide = jnp.pad(values, [(0, 0), (1, 1), (1, 1), (0, 0)])
    pairs = wide[:, 1:-1, :-2] + wide[:, 1:-1, 2:] + wide[:, :-2, 1:-1] + wide[:, 2:, 1:-1]
    lines = np.add.outer(np.full(rows, 2), np.full(columns, 2))
    lines[[0, -1]] -= 1
    lines[:, [0, -1]] -= 1
    around: Array = pairs / lines[:, :, None]
    return around

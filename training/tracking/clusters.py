"""Do points fall into groups? k-means for k = 2 to 5, chosen by silhouette, against plain noise.

Shapes: S points (some of them not valid), F features, K = 5 centres at most, R starts.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

MOST = 5
SIZES = np.arange(2, MOST + 1)
STARTS, ROUNDS = 8, 12
# Where a start draws its centres; fixed, so that equal points give equal clusters.
DRAWS = np.random.default_rng(0).random((STARTS, MOST)).astype(np.float32)
FAR = 3.0  # standard deviations: points further out are pulled in to there
SMALLEST = 0.05  # share of the points below which a group is none
CLEARLY = 0.2  # least clustering of points that are said to have groups
FEWEST = 20  # points to judge


class Clusters(NamedTuple):
    """labels: int32[S] below `number`; without groups that is 1 and all labels are 0.

    silhouette: of the best split (Rousseeuw 1987), -1 to 1. clustering: how much of the way it
    lies from that of normal noise of the same covariance to 1; 0: no better than noise, 1: points.
    """

    labels: Array
    number: Array
    silhouette: Array
    clustering: Array


def find(points: Array, valid: Array) -> Clusters:
    """points: float32[S, F] in any units; valid: bool[S]. Always the same for the same points."""
    scaled = _standardised(points, valid)
    both = jnp.stack([scaled, _noise(scaled, valid)])
    (labels, _), (size, _), (silhouette, expected) = jax.vmap(partial(_best, valid=valid))(both)
    above = (silhouette - expected) / jnp.maximum(1 - expected, 1e-6)
    is_judged = jnp.sum(valid) >= FEWEST
    clustering = jnp.where(is_judged, jnp.clip(above, 0, 1), 0.0)
    is_split = clustering >= CLEARLY
    return Clusters(
        jnp.where(is_split & valid, labels, 0),
        jnp.where(is_split, size, 1),
        jnp.where(is_judged, silhouette, 0.0),
        clustering,
    )


def _standardised(points: Array, valid: Array) -> Array:
    """Mean 0 and deviation 1 over the valid; what does not vary becomes 0, and so do the others."""
    weight = valid[:, None] / jnp.maximum(jnp.sum(valid), 1)
    offset = points - jnp.sum(points * weight, axis=0)
    deviation = jnp.sqrt(jnp.sum(offset**2 * weight, axis=0))
    scaled = jnp.where(deviation > 1e-6, offset / jnp.maximum(deviation, 1e-6), 0)
    return jnp.clip(scaled, -FAR, FAR) * valid[:, None]


def _noise(scaled: Array, valid: Array) -> Array:
    """As many normal points with the covariance of these."""
    size = len(scaled)
    mixing = np.random.default_rng(1).standard_normal((size, size), np.float32)
    return mixing @ scaled / jnp.sqrt(jnp.maximum(jnp.sum(valid), 1)) * valid[:, None]


def _best(points: Array, valid: Array) -> tuple[Array, Array, Array]:
    """Labels, size and silhouette of the best split; silhouette 0 where none has whole groups."""
    starts = jax.vmap(partial(_start, points, valid))(jnp.asarray(DRAWS))
    grouped = jax.vmap(partial(_grouped, points, valid, starts))(jnp.asarray(SIZES))
    best = jnp.argmax(silhouettes := _silhouettes(points, valid, grouped))
    return grouped[best], jnp.asarray(SIZES)[best], jnp.maximum(silhouettes[best], 0)


def _start(points: Array, valid: Array, draws: Array) -> Array:
    """[K, F]: points drawn far apart from each other (k-means++, Arthur and Vassilvitskii 2007)."""

    def pick(nearest: Array, draw: Array) -> tuple[Array, Array]:
        chances = jnp.cumsum(jnp.where(valid, jnp.minimum(nearest, 1e6), 0))
        centre = points[jnp.argmax(chances > draw * chances[-1])]
        return jnp.minimum(nearest, jnp.sum((points - centre) ** 2, axis=-1)), centre

    _, centres = jax.lax.scan(pick, jnp.full(len(points), jnp.inf), draws)
    return centres


def _grouped(points: Array, valid: Array, starts: Array, size: Array) -> Array:
    """Labels [S] of the tightest of the groupings that begin at the first `size` centres."""
    is_used = jnp.arange(MOST) < size

    def grouping(centres: Array) -> tuple[Array, Array]:
        centres = jax.lax.fori_loop(
            0, ROUNDS, lambda _, c: _moved(points, valid, is_used, c), centres
        )
        distances = _distances(points, is_used, centres)
        return jnp.argmin(distances, axis=-1), jnp.sum(jnp.min(distances, axis=-1), where=valid)

    labels, spread = jax.vmap(grouping)(starts)
    return labels[jnp.argmin(spread)]


def _moved(points: Array, valid: Array, is_used: Array, centres: Array) -> Array:
    """Each centre in the middle of the points that are nearest to it."""
    nearest = jnp.argmin(_distances(points, is_used, centres), axis=-1)
    members = (nearest[:, None] == jnp.arange(MOST)) & valid[:, None]
    sums = jnp.einsum("sk,sf->kf", members.astype(jnp.float32), points)
    count = jnp.sum(members, axis=0)[:, None]
    return jnp.where(count > 0, sums / jnp.maximum(count, 1), centres)


def _distances(points: Array, is_used: Array, centres: Array) -> Array:
    """Squares, [S, K] less those of the points themselves, which choose nothing."""
    squares = jnp.sum(centres**2, axis=-1) - 2 * points @ centres.T
    return jnp.where(is_used, squares, jnp.inf)


def _silhouettes(points: Array, valid: Array, grouped: Array) -> Array:
    """Of each grouping [len(SIZES), S]; -1 where a group is too small."""
    squares = jnp.sum(points**2, axis=-1)
    gaps = squares[:, None] + squares - 2 * points @ points.T
    distances = jnp.sqrt(jnp.maximum(gaps, 0))
    members = (grouped[..., None] == jnp.arange(MOST)) & valid[:, None]
    counts = jnp.sum(members, axis=1, keepdims=True)
    sums = jnp.einsum("st,ntk->nsk", distances, members.astype(jnp.float32))
    own = jnp.sum(sums * members, axis=-1) / jnp.maximum(jnp.sum(counts * members, axis=-1) - 1, 1)
    others = jnp.where(members | (counts == 0), jnp.inf, sums / jnp.maximum(counts, 1))
    other = jnp.min(others, axis=-1)
    largest = jnp.maximum(jnp.maximum(own, other), 1e-6)
    each = jnp.where(valid & jnp.isfinite(other), (other - own) / largest, 0)
    whole = jnp.sum(counts >= SMALLEST * jnp.sum(valid), axis=(1, 2)) >= SIZES
    return jnp.where(whole, jnp.sum(each, axis=-1) / jnp.maximum(jnp.sum(valid), 1), -1)

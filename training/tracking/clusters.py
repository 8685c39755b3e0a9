"""Do points fall into groups? k-means for k = 2 to 5, chosen by silhouette, against plain noise.

Shapes: S points (some of them not valid), F features, K = 5 centres at most.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

MOST = 5
SIZES = np.arange(2, MOST + 1)
STARTS, ROUNDS = 16, 15
TRIES = np.repeat(SIZES, STARTS)  # the number of groups that each try looks for
FAR = 3.0  # standard deviations: points further out are pulled in to there
SAME = 1e-5  # share of the mean square: a smaller variance is rounding
SMALLEST = 0.05  # share of the points below which a group is none
CLEARLY = 0.2  # least clustering of points that are said to have groups
FEWEST = 20  # points to judge


class Clusters(NamedTuple):
    """labels: int32[S] below `number`; without groups that is 1 and all labels are 0.

    silhouette: of the best split, in its simple form, by distances to the centres (Hruschka et
    al. 2004), 0 to 1. clustering: how much of the way it lies from that of normal noise of the same
    covariance to 1. 0: no better than noise, or no points to judge; 1: each group is one point.
    """

    labels: Array
    number: Array
    silhouette: Array
    clustering: Array


def find(points: Array, share: Array) -> Clusters:
    """points: float32[S, F] in any units. Always the same for the same points.

    share: float32[S], 1 over the number of valid points for each of them, 0 of the others.
    """
    scaled = _standardised(points, share)
    most = jnp.max(share)
    both = jnp.stack([scaled, _noise(scaled, most)])
    labels, (silhouette, expected), size = jax.vmap(partial(_split, share=share))(both)
    is_judged = (most > 0) & (most * FEWEST <= 1)
    silhouette = jnp.where(is_judged, silhouette, 0)
    above = (silhouette - expected) / jnp.maximum(1 - expected, 1e-6)
    clustering = jnp.clip(above, 0, 1)
    is_split = clustering >= CLEARLY
    return Clusters(
        jnp.where(is_split, labels[0], 0), jnp.where(is_split, size[0], 1), silhouette, clustering
    )


def _standardised(points: Array, share: Array) -> Array:
    """Mean 0 and deviation 1 over the valid; what does not vary becomes 0, and so do the others."""
    size = points.shape[1]
    moments = share @ jnp.concatenate([points, points**2], axis=1)
    mean, square = moments[:size], moments[size:]
    variance = square - mean**2
    varies = variance > SAME * square
    scaled = (points - mean) / jnp.sqrt(jnp.where(varies, variance, 1))
    return jnp.where(varies & (share[:, None] > 0), jnp.clip(scaled, -FAR, FAR), 0)


def _noise(scaled: Array, share: Array) -> Array:
    """As many normal points with the covariance of these. share: of one valid point."""
    size = len(scaled)
    mixing = np.random.default_rng(1).standard_normal((size, size), np.float32)
    return jnp.asarray(mixing) @ scaled * jnp.sqrt(share)


def _split(points: Array, share: Array) -> tuple[Array, Array, Array]:
    """Labels, silhouette and number of groups of the best of all tries."""
    is_used = np.arange(MOST) < TRIES[:, None]
    squares = jnp.sum(points**2, axis=-1, keepdims=True)

    def round_(_: int, held: tuple[Array, ...]) -> tuple[Array, ...]:
        """Points go to the nearest centre, centres to the middle of their points."""
        centres = held[0]
        gaps = squares - 2 * points @ centres.swapaxes(1, 2) + jnp.sum(centres**2, -1)[:, None]
        gaps = jnp.where(is_used[:, None], jnp.maximum(gaps, 0), jnp.inf)
        labels = jnp.argmin(gaps, axis=-1)
        members = (labels[..., None] == np.arange(MOST)) * share[:, None]
        sizes = jnp.sum(members, axis=1)
        middle = members.swapaxes(1, 2) @ points / jnp.maximum(sizes, 1e-9)[..., None]
        centres = jnp.where(sizes[..., None] > 0, middle, centres)
        return centres, labels, _silhouettes(gaps) @ share, sizes

    held = _starts(points, share), *_nothing(len(points))
    _, labels, silhouettes, sizes = jax.lax.fori_loop(0, ROUNDS, round_, held)
    is_whole = jnp.all((sizes >= SMALLEST) | ~is_used, axis=-1)
    silhouettes = jnp.where(is_whole, silhouettes, 0)
    best = jnp.argmax(silhouettes)
    return labels[best], silhouettes[best], jnp.asarray(TRIES)[best]


def _starts(points: Array, share: Array) -> Array:
    """The centres that each try begins with: points drawn by fixed lots."""
    lots = np.random.default_rng(0).random((len(TRIES), MOST, len(points)), np.float32)
    return points[jnp.argmax(jnp.where(share > 0, lots, -1), axis=-1)]


def _nothing(points: int) -> tuple[Array, Array, Array]:
    tries = len(TRIES)
    return jnp.zeros((tries, points), jnp.int32), jnp.zeros(tries), jnp.zeros((tries, MOST))


def _silhouettes(gaps: Array) -> Array:
    """Of each point: how much nearer its centre is than the next, as a share. gaps: squares."""
    nearest = jnp.min(gaps, axis=-1)
    next_ = jnp.min(jnp.where(gaps > nearest[..., None], gaps, jnp.inf), axis=-1)
    return 1 - jnp.sqrt(nearest / jnp.maximum(next_, 1e-12))

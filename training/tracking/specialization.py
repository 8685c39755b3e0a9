"""Do the agents of a population differ, in weights and in deeds, and does it run in families?

Shapes: N worlds, A slots each, W worlds of the sample.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray

from training import behaviour
from training.behaviour import Behaviour
from training.tracking import clusters, divergence

SAMPLE = 256  # slots, of whole worlds, whose behaviour is looked at
GROWN_UP = 50.0  # steps lived, before which behaviour says little
KIN = 10  # pairs, of a family and of different ones, that are compared at least
FAITHFUL = 0.5  # least heritability of a cluster that is a species


class Specialization(NamedTuple):
    """float32 each. The first two and the families are of all worlds, the rest of a sample.

    weight_divergence, max_divergence: see divergence.weights. largest_family, families: see
    divergence.families. silhouette, clustering: see Clusters. division_of_labour: see `_labour`.
    heritability: 0 where kin share a behaviour cluster no more than strangers of the same world
    do, 1 where they always do. score: mean of clustering, division_of_labour and heritability;
    0: differences are those of noise; 1: separate groups, of one activity each, that breed true.
    clusters: of behaviour, 1 if there are none; species: those that breed true by half or more.
    writers, readers: shares of the grown-up, see behaviour.writes and behaviour.reads. agents:
    grown-up in the sample.
    """

    weight_divergence: Array
    max_divergence: Array
    largest_family: Array
    families: Array
    silhouette: Array
    clustering: Array
    division_of_labour: Array
    heritability: Array
    score: Array
    clusters: Array
    species: Array
    writers: Array
    readers: Array
    agents: Array


def measure(
    shared: Array, genomes: Array, alive: Array, lineage: Array, deeds: Behaviour
) -> Specialization:
    """shared: float32[D]; genomes: float32[N, A, D]; alive, lineage and the deeds: [N, A]."""
    mean, largest = divergence.weights(shared, genomes, alive)
    share, families = divergence.families(lineage, alive)
    rows = _sample(*alive.shape)
    deeds, lineage = jax.tree.map(lambda each: each[rows], (deeds, lineage))
    grown_up = alive[rows] & (behaviour.lived(deeds) >= GROWN_UP)
    features = behaviour.features(deeds)
    found = clusters.find(features.reshape(-1, features.shape[-1]), grown_up.ravel())
    labour = _labour(behaviour.activities(deeds), grown_up)
    true, heritability = _breeding(found.labels.reshape(lineage.shape), lineage, grown_up)
    count = jnp.sum(grown_up)
    values = (
        *(mean, largest, share, families),
        *(found.silhouette, found.clustering, labour, heritability),
        (found.clustering + labour + heritability) / 3,
        *(found.number, jnp.sum(true >= FAITHFUL)),
        jnp.sum(behaviour.writes(deeds) & grown_up) / jnp.maximum(count, 1),
        jnp.sum(behaviour.reads(deeds) & grown_up) / jnp.maximum(count, 1),
        count,
    )
    return Specialization(*(value.astype(jnp.float32) for value in values))


def _sample(worlds: int, slots: int) -> NDArray[np.intp]:
    """Worlds at even distances, as many as hold SAMPLE slots, one at least."""
    count = max(1, min(worlds, SAMPLE // slots))
    return np.arange(count) * worlds // count


def _labour(shares: Array, valid: Array) -> Array:
    """Division of labour: normalised entropy of the activities times mean focus of the agents.

    Focus is the part of that entropy that knowing the agent takes away, so the product is the
    mutual information of agent and activity (Gorelick et al. 2004) over its largest value.
    0: all do all in the same mix; 1: each has one activity, and as many have each.
    """
    weight = valid / jnp.maximum(jnp.sum(valid), 1)
    together = jnp.einsum("wa,wak->k", weight, shares)
    alone = jnp.sum(weight * behaviour.entropy(shares))
    focus: Array = jnp.maximum(behaviour.entropy(together) - alone, 0)
    return focus / np.log(shares.shape[-1])


def _breeding(labels: Array, lineage: Array, valid: Array) -> tuple[Array, Array]:
    """Heritability of each cluster [K], and their mean by size; 0 where there is one cluster."""
    members = ((labels[..., None] == np.arange(clusters.MOST)) & valid[..., None]).astype(
        jnp.float32
    )
    pairs = valid[:, :, None] & valid[:, None] & ~np.eye(labels.shape[-1], dtype=bool)
    are_kin = lineage[:, :, None] == lineage[:, None]
    kin, kin_pairs = _shared(members, pairs & are_kin)
    strangers, stranger_pairs = _shared(members, pairs & ~are_kin)
    is_told = (kin_pairs >= KIN) & (stranger_pairs >= KIN) & (strangers < 1)
    above = (kin - strangers) / jnp.where(is_told, 1 - strangers, 1)
    each = jnp.where(is_told, jnp.clip(above, 0, 1), 0)
    sizes = jnp.sum(members, axis=(0, 1))
    return each, jnp.sum(each * sizes) / jnp.maximum(jnp.sum(sizes), 1)


def _shared(members: Array, pairs: Array) -> tuple[Array, Array]:
    """Of the pairs that begin in each cluster [K], the share that end in it, and their number."""
    ends = jnp.einsum("wab,wbk->wak", pairs.astype(jnp.float32), members)
    count = jnp.einsum("wak,wab->k", members, pairs.astype(jnp.float32))
    return jnp.sum(members * ends, axis=(0, 1)) / jnp.maximum(count, 1), count

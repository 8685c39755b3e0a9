"""Do the agents of a population differ, in weights and in deeds, and does it run in families?

Shapes: N worlds, A slots each, S slots of the sample.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from training import behaviour
from training.behaviour import Behaviour
from training.tracking import clusters, divergence

SAMPLE = 256  # slots, of whole worlds, whose behaviour is looked at
GROWN_UP = 50.0  # steps lived, before which behaviour says little
KIN = 10  # pairs, of a family and of different ones, that are compared at least
FAITHFUL = 0.5  # least heritability of a cluster that is a species


class Specialization(NamedTuple):
    """float32 each, of a sample.

    weight_divergence, max_divergence: see divergence. largest_family, families: see there.
    silhouette, clustering: see Clusters. division_of_labour: see `_labour`.
    heritability: 0 where kin share a behaviour cluster no more than strangers of the same world
    do, or no strangers are left; 1 where they always do. score: mean of clustering,
    division_of_labour and heritability; 0: differences are those of noise; 1: separate groups, of
    one activity each, that breed true. clusters: of behaviour, 1 if there are none; species: those
    that breed true by half or more. writers, readers: shares of the grown-up, see
    behaviour.writes and behaviour.reads. agents: grown-up in the sample.
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
    step, count = _sample(*alive.shape)
    deeds, lineage, genomes, alive = jax.tree.map(
        lambda each: each[: count * step : step].reshape(-1, *each.shape[2:]),
        (deeds, lineage, genomes, alive),
    )
    present = alive.astype(jnp.float32)
    mature = jnp.where(behaviour.lived(deeds) >= GROWN_UP, present, 0)
    living, agents = jnp.sum(jnp.stack([present, mature]), axis=1)
    share = mature / jnp.maximum(agents, 1)
    features = behaviour.features(deeds)
    found = clusters.find(features, share)
    labour = _labour(features, share)
    true, heritability = _breeding(found.labels, lineage, mature, count)
    of_all = present / jnp.maximum(living, 1)
    roles = jnp.stack([behaviour.writes(deeds), behaviour.reads(deeds)]).astype(jnp.float32)
    writers, readers = roles @ share
    return Specialization(
        *divergence.weights(shared, genomes, of_all),
        *divergence.families(lineage, of_all),
        *(found.silhouette, found.clustering, labour, heritability),
        (found.clustering + labour + heritability) / 3,
        *(found.number.astype(jnp.float32), jnp.sum(true >= FAITHFUL, dtype=jnp.float32)),
        *(writers, readers, agents),
    )


def _sample(worlds: int, slots: int) -> tuple[int, int]:
    """Each how manieth world, and how many: as many as hold SAMPLE slots, one at least."""
    count = max(1, min(worlds, SAMPLE // slots))
    return worlds // count, count


def _labour(features: Array, share: Array) -> Array:
    """Division of labour: normalised entropy of the activities times mean focus of the agents.

    Activities are rest, search and haul. Focus is the part of that entropy that knowing the agent
    takes away, so the product is the mutual information of agent and activity (Gorelick et al.
    2004) over its largest value. 0: all do all in the same mix; 1: each has one activity, and as
    many have each. Short lives differ by luck, too: it is about 0.1 where all act by one policy.
    """
    rest, haul = features[:, :1], features[:, 1:2]
    shares = jnp.concatenate([rest, haul, 1 - rest - haul], axis=1)
    difference = behaviour.entropy(share @ shares) - share @ behaviour.entropy(shares)
    labour: Array = jnp.maximum(difference, 0) / np.log(shares.shape[1])
    return labour


def _breeding(labels: Array, lineage: Array, mature: Array, worlds: int) -> tuple[Array, Array]:
    """Heritability of each cluster [K], and their mean by size; 0 where there is one cluster."""
    members = (labels[:, None] == np.arange(clusters.MOST)) * mature[:, None]
    world = np.repeat(np.arange(worlds), len(labels) // worlds)
    are_pairs = (world[:, None] == world) & ~np.eye(len(world), dtype=bool)
    are_kin = lineage[:, None] == lineage
    pairs = jnp.stack([are_pairs & are_kin, are_pairs & ~are_kin]).astype(jnp.float32)
    ends = pairs @ jnp.concatenate([members, mature[:, None]], axis=1)
    sums = jnp.einsum("sk,psj->pkj", members, ends)  # pairs that begin in k and end in j, or at all
    together, all_ = jnp.diagonal(sums, axis1=1, axis2=2), sums[..., -1]
    kin, strangers = together / jnp.maximum(all_, 1)
    is_told = jnp.all(all_ >= KIN, axis=0) & (strangers < 1)
    above = (kin - strangers) / jnp.where(is_told, 1 - strangers, 1)
    each = jnp.where(is_told, jnp.clip(above, 0, 1), 0)
    sizes = jnp.sum(members, axis=0)
    return each, each @ sizes / jnp.maximum(jnp.sum(sizes), 1)

"""What an agent of the foraging world has done in its life so far: running sums, and features.

`add` runs in every step of every slot and is elementwise throughout; the rest runs seldom.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

from evaluation.envs.foraging.world import ACTIONS, TRAIL, World

FEATURES = (
    "rest",  # share of the steps without an item on its back and without a move
    "haul",  # share of the steps with an item on its back
    "variety",  # chance that two of its actions while searching differ (Gini and Simpson)
    "reward",  # per step
    "distance",  # mean Chebyshev distance to the nest, half a home range as 1
    "energy",  # mean share of the largest
    "climb",  # mean pull of the trail, see `reads`
)
STAY = 0
PLACES = np.array([0, 1, 3, 2])  # of the moves up, down, left, right among N, S, E, W
FAINT = 1e-3  # a smaller deviation between the neighbours' trails tells an agent nothing
PRIOR = 10.0  # moves without pull that the mean pull starts with
WRITES = 0.1  # least share of the steps in which a writer lays a trail
READS = 0.2  # least mean pull of a reader
CLEARLY = 2.0  # standard errors that it must lie above zero


class Behaviour(NamedTuple):
    """Sums over the steps that the slot's agent lived, float32[...]; actions: [..., 5].

    actions: how often each was taken while searching, that is with no item on its back; hauled:
    steps with one. chances: moves while searching where the neighbours' trails differed; climb:
    how far each went up, in standard deviations of the four neighbours.
    """

    actions: Array
    hauled: Array
    distance: Array
    energy: Array
    reward: Array
    chances: Array
    climb: Array


def empty(shape: tuple[int, ...]) -> Behaviour:
    nothing = jnp.zeros(shape)
    return Behaviour(jnp.zeros((*shape, len(ACTIONS))), *[nothing] * (len(Behaviour._fields) - 1))


def clear(behaviour: Behaviour, born: Array) -> Behaviour:
    """Nothing done yet in the slots that hold a newcomer."""
    return Behaviour(
        jnp.where(born[..., None], 0.0, behaviour.actions),
        *(jnp.where(born, 0.0, sums) for sums in behaviour[1:]),
    )


def add(
    world: World,
    behaviour: Behaviour,
    observation: Array,
    actions: Array,
    alive: Array,
    reward: Array,
) -> Behaviour:
    """One step more of those who were alive before it.

    observation: [..., world.observation_size], the one that the actions int32[...] answer.
    reward: of the step.
    """
    lived = alive.astype(jnp.float32)
    carrying = observation[..., 3] > 0.5
    searched = jnp.where(carrying, 0.0, lived)
    taken = (actions[..., None] == jnp.arange(len(ACTIONS))).astype(jnp.float32)
    chance, climb = _pull(world, observation, taken)
    return Behaviour(
        actions=behaviour.actions + taken * searched[..., None],
        hauled=behaviour.hauled + lived - searched,
        distance=behaviour.distance + lived * jnp.max(jnp.abs(observation[..., :2]), axis=-1),
        energy=behaviour.energy + lived * observation[..., 2],
        reward=behaviour.reward + lived * reward,
        chances=behaviour.chances + searched * chance,
        climb=behaviour.climb + searched * climb,
    )


def _pull(world: World, observation: Array, taken: Array) -> tuple[Array, Array]:
    """Whether the move had a trail to follow, and how far up it went in standard deviations.

    Of a move that is drawn evenly from the four it has mean 0 and variance 1.
    """
    first = 6 + TRAIL
    trail = observation[..., first : first + 4 * world.channels : world.channels][..., PLACES]
    deviation = jnp.std(trail, axis=-1)
    moved = taken[..., STAY + 1 :]
    chance = (deviation > FAINT) * jnp.sum(moved, axis=-1)
    above = jnp.sum(moved * (trail - jnp.mean(trail, axis=-1, keepdims=True)), axis=-1)
    return chance, chance * above / jnp.maximum(deviation, FAINT)


def lived(behaviour: Behaviour) -> Array:
    """Steps: float32[...]."""
    return jnp.sum(behaviour.actions, axis=-1) + behaviour.hauled


def features(behaviour: Behaviour) -> Array:
    """float32[..., 7], named by FEATURES; those of the unborn mean nothing."""
    steps = jnp.maximum(lived(behaviour), 1.0)
    searched = jnp.maximum(jnp.sum(behaviour.actions, axis=-1), 1.0)
    shares = behaviour.actions / searched[..., None]
    return jnp.stack(
        [
            behaviour.actions[..., STAY] / steps,
            behaviour.hauled / steps,
            1 - jnp.sum(shares**2, axis=-1),
            behaviour.reward / steps,
            behaviour.distance / steps,
            behaviour.energy / steps,
            behaviour.climb / (behaviour.chances + PRIOR),
        ],
        axis=-1,
    )


def writes(behaviour: Behaviour) -> Array:
    """Who lays a trail in a tenth of its steps or more; who carries does so in every second one."""
    return behaviour.hauled / 2 >= WRITES * jnp.maximum(lived(behaviour), 1.0)


def reads(behaviour: Behaviour) -> Array:
    """Who moves up the trail while it searches, clearly more than one that does not see it.

    One blind mover in fifty passes by chance. A move up the trail can have other grounds too: this
    says where agents go, and the ablation without the field says why.
    """
    clear = behaviour.climb >= CLEARLY * jnp.sqrt(behaviour.chances)
    return clear & (behaviour.climb >= READS * jnp.maximum(behaviour.chances, 1.0))


def entropy(shares: Array) -> Array:
    """Shannon entropy in nats over the last axis, whose shares sum up to 1, or are all 0."""
    return -jnp.sum(jnp.where(shares > 0, shares * jnp.log(jnp.maximum(shares, 1e-30)), 0), axis=-1)

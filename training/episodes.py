"""Whole episodes of the foraging world, from their first step to their last, all at once.

Shapes: N episodes, A slots, E founders of each, D numbers of a genome.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from evaluation.envs.foraging import jax_env
from evaluation.envs.foraging.jax_env import Outcome
from training import intervals, policy
from training import life as living
from training.foraging_config import Config
from training.policy import Params
from training.population import Population


class Tally(NamedTuple):
    """What each episode came to: [N].

    population: its mean over the steps; lives: all agents; births: those who are others' children.
    """

    delivered: Array
    picked: Array
    reward: Array
    population: Array
    lives: Array
    births: Array
    deaths: Array


class Condition(NamedTuple):
    """What is other than usual in an episode, as functions of all its worlds and a key.

    opening: of the worlds before the first step. after: of those before and after a step, and of
    what happened in it. view: of the observations [N, A, O] and who lives, bool[N, A].
    """

    opening: Callable[[jax_env.State, Array], jax_env.State]
    after: Callable[[jax_env.State, jax_env.State, Outcome, Array], tuple[jax_env.State, Outcome]]
    view: Callable[[Array, Array, Array], Array]


NORMAL = Condition(
    opening=lambda worlds, key: worlds,
    after=lambda before, after, outcome, key: (after, outcome),
    view=lambda seen, alive, key: seen,
)


def play(
    config: Config,
    params: Params,
    founders: Array,
    key: Array,
    std: Array | float = 0.0,
    condition: Condition = NORMAL,
) -> Tally:
    """An episode for each row of founders: genomes [N, E, D]; std: of mutations at births.

    Children have their parents' genomes. The worlds have num_agents founders; genomes beyond so
    many are those of the slots that follow, until somebody is born there. Consumes the key.
    """
    world, count = config.world, len(founders)
    open_key, draw_key, lot_key, step_key, first_key = jax.random.split(key, 5)
    shape = world.max_steps, count
    inputs = (
        jax_env.draw(world, 1, draw_key, shape),
        jax.random.uniform(lot_key, (*shape, world.max_agents)),
        jax.random.split(step_key, (world.max_steps, 3)),
    )
    worlds = condition.opening(living.open_worlds(world, count, open_key), first_key)
    step = partial(_step, config, params, std, condition)
    _, steps = jax.lax.scan(step, (worlds, _settle(config, founders)), inputs)
    sums = Tally(*(jnp.sum(each, axis=0) for each in steps))
    return sums._replace(
        population=sums.population / world.max_steps,
        lives=sums.lives + jnp.sum(worlds.alive, axis=1),
    )


def draw(genomes: Array, alive: Array, count: tuple[int, int], key: Array) -> Array:
    """Genomes [*count, D] of some of the living, drawn with repetition. Consumes the key.

    genomes: [..., A, D]. alive: bool[..., A]. Where nobody lives, they are some slot's.
    """
    flat = alive.reshape(-1)
    chosen = jax.random.choice(key, flat.size, count, p=flat / jnp.maximum(jnp.sum(flat), 1))
    return genomes.reshape(flat.size, -1)[chosen]


def judge(
    config: Config, params: Params, genomes: Array, alive: Array, key: Array
) -> dict[str, Array]:
    """The summary of arena.episodes with founders drawn from the living, without mutations.

    All of it is 0 where nobody lives. genomes: [..., A, D]. alive: bool[..., A]. Consumes the key.
    """
    draw_key, play_key = jax.random.split(key)
    count = config.arena.episodes, config.world.num_agents
    founders = draw(genomes, alive, count, draw_key)
    found = summary(play(config, params, founders, play_key))
    return {name: jnp.where(jnp.any(alive), each, 0.0) for name, each in found.items()}


def summary(tally: Tally) -> dict[str, Array]:
    """Means over the episodes; of items delivered per life also the ends of the 95 % interval,
    that of Student's t over the episodes.
    """
    each = tally.delivered / tally.lives
    error = intervals.reach(len(each)) * jnp.std(each, ddof=1)
    mean = jnp.mean(each)
    return {
        "arena/delivered": mean,
        "arena/delivered_low": mean - error,
        "arena/delivered_high": mean + error,
        "arena/total": jnp.mean(tally.delivered),
        "arena/population": jnp.mean(tally.population),
        "arena/lives": jnp.mean(tally.lives),
    }


def _settle(config: Config, founders: Array) -> Population:
    """The founders in the first slots of their worlds."""
    count, slots = len(founders), config.world.max_agents
    genomes = jnp.zeros((count, slots, founders.shape[-1]))
    nothing = jnp.zeros((count, slots), jnp.int32)
    genomes = genomes.at[:, : founders.shape[1]].set(founders)
    return Population(genomes, nothing, nothing + jnp.arange(slots, dtype=jnp.int32))


def _step(
    config: Config,
    params: Params,
    std: Array | float,
    condition: Condition,
    carry: tuple[jax_env.State, Population],
    drawn: tuple[jax_env.Chance, Array, Array],
) -> tuple[tuple[jax_env.State, Population], Tally]:
    (worlds, people), (chance, lots, keys) = carry, drawn
    seen = condition.view(living.observe(config.world, worlds), worlds.alive, keys[1])
    logits, _ = policy.act(params, people.genomes, seen)
    action, _ = living.choose(logits, lots)
    stepped, outcome = living.advance(config.world, worlds, action, chance)
    is_child = outcome.source >= 0  # whomever the condition lets it descend from
    after, outcome = condition.after(worlds, stepped, outcome, keys[0])
    people = people._replace(harvest=people.harvest + outcome.delivered)
    survivors = after.alive & ~outcome.born
    people = living.inherit(config, people, survivors, outcome.born, outcome.source, std, keys[2])
    happened = Tally(
        delivered=outcome.delivered,
        picked=outcome.picked,
        reward=outcome.reward,
        population=worlds.alive,
        lives=outcome.born,
        births=outcome.born & is_child,
        deaths=outcome.died,
    )
    return (after, people), Tally(*(jnp.sum(each, axis=1) for each in happened))

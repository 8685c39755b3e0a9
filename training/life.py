"""Plays foraging worlds in which every agent acts with its own weights, and keeps what it takes
to learn from it.

Shapes: N worlds, A slots of each, T steps, O numbers seen, D numbers of a genome.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from evaluation.envs.foraging import jax_env
from evaluation.envs.foraging.world import World
from training import behaviour, policy, population, ppo
from training.behaviour import Behaviour
from training.foraging_config import Config
from training.policy import Params
from training.population import Population
from training.ppo import Batch

NICHE = 10  # cells; agents so far apart are in each other's way no more


class Life(NamedTuple):
    """Worlds and who lives in them. worlds: leaves [N, ...]; the others: leaves [N, A, ...]."""

    worlds: jax_env.State
    population: Population
    behaviour: Behaviour


class Trace(NamedTuple):
    """What happened in each step: [N, A]. seen: [..., O], before the action.

    over: the agent's life ended with the step; newcomer: another has the slot from then on; child:
    one who was born, and did not come as a founder.
    """

    seen: Array
    action: Array
    log_probability: Array
    value: Array
    reward: Array
    alive: Array
    over: Array
    newcomer: Array
    child: Array
    picked: Array
    delivered: Array
    died: Array


def begin(config: Config, key: Array) -> Life:
    """Agents that are all alike, in worlds at different moments of an episode. Consumes the key."""
    world, worlds = config.world, config.num_envs
    opened = open_worlds(world, worlds, key)
    # Evenly, and so in each of the shards.
    turns = jnp.arange(worlds, dtype=jnp.int32).reshape(-1, config.shards).T.reshape(-1)
    begun = turns * (world.max_steps / worlds)
    people = population.founders(worlds * world.max_agents, config.genome_size)
    return Life(
        worlds=opened._replace(step=begun.astype(jnp.int32)),
        population=_by_world(people, worlds),
        behaviour=behaviour.empty((worlds, world.max_agents)),
    )


def open_worlds(world: World, count: int, key: Array) -> jax_env.State:
    """So many new episodes. Consumes the key."""
    draws = jax_env.draw_opening(world, 1, key, (count,))
    opened: jax_env.State = jax.vmap(partial(jax_env.init, world, 1))(draws)
    return opened


def play(config: Config, params: Params, std: Array, life: Life, key: Array) -> tuple[Life, Trace]:
    """T steps of each world; the trace has them first. std: of mutations. Consumes the key."""
    world = config.world
    draw_key, lot_key, step_key = jax.random.split(key, 3)
    shape = config.num_steps, life.worlds.step.size
    chances = jax_env.draw(world, 1, draw_key, shape)
    lots = jax.random.uniform(lot_key, (*shape, world.max_agents))
    inputs = chances, lots, jax.random.split(step_key, (config.num_steps, 2))
    return jax.lax.scan(partial(_step, config, params, std), life, inputs)


def _step(
    config: Config,
    params: Params,
    std: Array,
    life: Life,
    drawn: tuple[jax_env.Chance, Array, Array],
) -> tuple[Life, Trace]:
    world, worlds, people = config.world, life.worlds, life.population
    chance, lots, keys = drawn
    seen = observe(world, worlds)
    logits, value = policy.act(params, people.genomes, seen)
    action, log_probability = choose(logits, lots)
    after, outcome = advance(world, worlds, action, chance)
    survivors = after.alive & ~outcome.born
    extra = _incentive(config, survivors, after.position)
    done = behaviour.add(world, life.behaviour, seen, action, worlds.alive, outcome.reward)
    people = people._replace(harvest=people.harvest + outcome.delivered)
    ended = after.step >= world.max_steps
    restarted = _restart(world, after, ended, keys[0])
    newcomer = jnp.where(ended[:, None], restarted.alive, outcome.born)
    source = jnp.where(ended[:, None], -1, outcome.source)
    people = inherit(config, people, survivors, newcomer, source, std, keys[1])
    trace = Trace(
        seen=seen,
        action=action,
        log_probability=log_probability,
        value=value,
        reward=(outcome.reward + extra) / world.food_energy,
        alive=worlds.alive,
        over=outcome.died | ended[:, None],
        newcomer=newcomer,
        child=source >= 0,
        picked=outcome.picked,
        delivered=outcome.delivered,
        died=outcome.died,
    )
    return Life(restarted, people, behaviour.clear(done, newcomer)), trace


def observe(world: World, worlds: jax_env.State) -> Array:
    """[N, A, O]"""
    seen: Array = jax.vmap(partial(jax_env.observe, world, 1))(worlds)
    return seen


def advance(
    world: World, worlds: jax_env.State, action: Array, chance: jax_env.Chance
) -> tuple[jax_env.State, jax_env.Outcome]:
    """A step of every world."""
    after: tuple[jax_env.State, jax_env.Outcome]
    after = jax.vmap(partial(jax_env.step, world, 1))(worlds, action, chance)
    return after


def inherit(
    config: Config,
    people: Population,
    living: Array,
    newcomer: Array,
    source: Array,
    std: Array | float,
    key: Array,
) -> Population:
    """The population after newcomers: bool[N, A] came; source: their parents' slots in their world.

    living: bool[N, A], whom founders (source -1) may descend from: none that has just been born,
    for its genome is not there yet. Consumes the key.
    """
    worlds, slots = newcomer.shape
    parents = jnp.where(source < 0, -1, source + (jnp.arange(worlds) * slots)[:, None])
    merged = Population(*(each.reshape(-1, *each.shape[2:]) for each in people))
    merged = population.renew(
        config.evolution,
        merged,
        living.reshape(-1),
        newcomer.reshape(-1),
        parents.reshape(-1),
        std,
        key,
    )
    return _by_world(merged, worlds)


def choose(logits: Array, lots: Array) -> tuple[Array, Array]:
    """Actions int32[...] by lots in [0, 1), and the logarithm of their probability.

    logits: [..., U]
    """
    log_all = jax.nn.log_softmax(logits)
    passed = lots[..., None] >= jnp.cumsum(jnp.exp(log_all), axis=-1)
    action = jnp.minimum(jnp.sum(passed, axis=-1), policy.ACTIONS - 1)
    log_now = jnp.take_along_axis(log_all, action[..., None], axis=-1)[..., 0]
    return action.astype(jnp.int32), log_now


def _restart(world: World, worlds: jax_env.State, ended: Array, key: Array) -> jax_env.State:
    """New episodes where one has ended; seldom, hence only then drawn."""

    def restart(worlds: jax_env.State) -> jax_env.State:
        fresh = open_worlds(world, len(ended), key)

        def pick(new: Array, old: Array) -> Array:
            return jnp.where(ended.reshape(-1, *[1] * (old.ndim - 1)), new, old)

        picked: jax_env.State = jax.tree.map(pick, fresh, worlds)
        return picked

    renewed: jax_env.State = jax.lax.cond(jnp.any(ended), restart, lambda same: same, worlds)
    return renewed


def _incentive(config: Config, alive: Array, position: Array) -> Array:
    """[N, A], in units of energy: for being far from the others, less for a close neighbour.

    Distances are those between places, as shares of a niche, which an agent can do something
    about: it sees where it is and, in the field, where others have been.
    """
    if config.diversity_bonus == 0 and config.niche_pressure == 0:
        return jnp.zeros(alive.shape)
    gap = jnp.max(jnp.abs(position[:, :, None] - position[:, None]), axis=-1)
    apart = jnp.minimum(gap, NICHE) / NICHE
    both = alive[:, :, None] & alive[:, None] & ~jnp.eye(alive.shape[1], dtype=bool)
    count = jnp.sum(both, axis=-1)
    mean = jnp.sum(jnp.where(both, apart, 0.0), axis=-1) / jnp.maximum(count, 1)
    nearest = jnp.min(jnp.where(both, apart, 1.0), axis=-1)
    paid = config.diversity_bonus * mean - config.niche_pressure * (1 - nearest)
    return jnp.where(alive, paid, 0.0)


def batch_of(config: Config, trace: Trace, before: Array, after: Array, last_value: Array) -> Batch:
    """What the slots lived through, as columns [T, N * A]. before, after: genomes [N, A, D].

    Of a slot that changed hands more than once, those in between do not teach: their genomes are
    gone. last_value: [N, A], of what comes after the last step.
    """
    learning = config.learning
    steps = len(trace.reward)
    flat = Trace(*(each.reshape(steps, -1, *each.shape[3:]) for each in trace))
    discounts = jnp.where(flat.over, 0.0, learning.gamma)
    values = jnp.concatenate([flat.value, last_value.reshape(1, -1)])
    advantage = ppo.gae(flat.reward, values, discounts, learning.lam)
    changes = jnp.cumsum(flat.newcomer, axis=0)
    owner = changes - flat.newcomer  # of the slot before each step
    is_last = owner == changes[-1]
    size = before.shape[-1]
    return Batch(
        seen=flat.seen,
        action=flat.action,
        log_probability=flat.log_probability,
        advantage=advantage,
        target=advantage + flat.value,
        teaches=flat.alive & (is_last | (owner == 0)),
        is_last=is_last,
        first=before.reshape(-1, size),
        last=after.reshape(-1, size),
    )


def value_of(config: Config, params: Params, life: Life) -> Array:
    """[N, A]: what the agents expect from where they are."""
    seen = observe(config.world, life.worlds)
    return policy.act(params, life.population.genomes, seen)[1]


def _by_world(people: Population, worlds: int) -> Population:
    return Population(*(each.reshape(worlds, -1, *each.shape[1:]) for each in people))

"""The task of the foraging world: a population that forages, breeds and learns.

Each agent acts with its own weights: those that all share, learnt by gradient, and an inherited,
mutated offset. Shapes: N worlds, A slots of each, T steps of each world an update.
"""

import dataclasses
from functools import partial
from typing import Any, NamedTuple

import flax.struct
import jax
import jax.numpy as jnp
import optax
from jax import Array

from evaluation.envs.foraging.foraging import specification
from training import episodes, policy, ppo, shards, trackers
from training import life as living
from training.foraging_config import Config
from training.life import Life, Trace
from training.policy import Params
from training.ppo import Batch
from training.trackers import Facts, Tracks

__all__ = [
    "HEADLINE",
    "KNOBS",
    "OBJECTIVE",
    "Config",
    "State",
    "environment",
    "evaluate",
    "events",
    "init",
    "parts",
    "update",
]

KNOBS = ("foraging.num_envs", "foraging.num_steps", "foraging.network.width")
OBJECTIVE = "arena/delivered"
HEADLINE = (
    "world/delivered",
    "world/population",
    "arena/delivered",
    "loss/entropy",
    "specialization/score",
)


@flax.struct.dataclass
class State:
    """params: shared weights. losses: when they were last learnt. step: of slots, dead ones
    included. key: typed.
    """

    params: Params
    opt_state: Any
    losses: dict[str, Array]
    life: Life
    tracks: Tracks
    key: Array
    step: Array
    config: Config = flax.struct.field(pytree_node=False)


class Environment(NamedTuple):
    name: str
    version: str
    configuration: dict[str, Any]


def environment(config: Config) -> Environment:
    """The contest's configuration for such a world."""
    world = dataclasses.asdict(config.world)
    steps = {"episodeSteps": world.pop("max_steps") + 1}
    return Environment(specification["name"], specification["version"], world | steps)


def parts(config: Config) -> int:
    return config.shards


def init(key: Array, config: Config) -> State:
    """An untrained population before its first step. Consumes the key."""
    param_key, life_key, key = jax.random.split(key, 3)
    params = policy.init(param_key, config.world.observation_size, config.network.width)
    return State(
        params=params,
        opt_state=ppo.optimizer(config.learning).init(params),
        losses={name: jnp.zeros(()) for name in ppo.LOSSES},
        life=living.begin(config, life_key),
        tracks=trackers.empty(config.tracking),
        key=key,
        step=jnp.zeros((), jnp.uint32),
        config=config,
    )


def update(state: State) -> tuple[State, dict[str, Array]]:
    """T steps of every world, then some epochs of learning, unless evolution has its turn."""
    config, evolution = state.config, state.config.evolution
    play_key, learn_key, key = jax.random.split(state.key, 3)
    learns = _learns(config, state.step)
    std = jnp.where(learns, evolution.mutation_std, evolution.evolve_std)

    keys = jax.random.split(play_key, config.shards)
    life, batches, metrics = shards.spread(
        partial(_play_part, config),
        config.shards,
        (state.params, std),
        (shards.divided(state.life, config.shards), keys),
    )
    life, metrics = shards.gathered((life, metrics), config.shards)
    params, opt_state, losses = _learnt(state, batches, learns, learn_key)
    now = state.step + config.steps_per_update
    life = shards.joined(life)
    facts = _facts(params, life)
    tracks, seen = trackers.observe(config.tracking, state.tracks, state.step, now, facts)
    after = dataclasses.replace(
        state,
        params=params,
        opt_state=opt_state,
        losses=losses,
        life=life,
        tracks=tracks,
        key=key,
        step=now,
    )
    told = {} if config.mode == "evolve" else losses
    return after, jax.tree.map(jnp.mean, metrics) | told | seen


def evaluate(state: State) -> tuple[State, dict[str, Array]]:
    """Fresh episodes of the living and their offspring, which mutates no more."""
    result: tuple[State, dict[str, Array]] = _evaluated(state)
    return result


@jax.jit
def _evaluated(state: State) -> tuple[State, dict[str, Array]]:
    judge_key, key = jax.random.split(state.key)
    people, alive = state.life.population, state.life.worlds.alive
    judged = episodes.judge(state.config, state.params, people.genomes, alive, judge_key)
    return dataclasses.replace(state, key=key), judged


def events(state: State, since_step: int) -> list[dict[str, Any]]:
    """What the trackers noticed after this step."""
    return trackers.events_since(state.tracks, since_step)


def _facts(params: Params, life: Life) -> Facts:
    return Facts(
        field=life.worlds.field,
        shared=policy.covered(params),
        genomes=life.population.genomes,
        alive=life.worlds.alive,
        lineage=life.population.lineage,
        behaviour=life.behaviour,
    )


def _learns(config: Config, step: Array) -> Array:
    if config.mode != "alternating":
        return jnp.array(config.mode == "gradient")
    evolution = config.evolution
    period = evolution.gradient_steps + evolution.evolve_steps
    is_learning: Array = step % period < evolution.gradient_steps
    return is_learning


def _play_part(
    config: Config, common: tuple[Params, Array], part: tuple[Life, Array]
) -> tuple[Life, Batch, dict[str, Array]]:
    (params, std), (life, key) = common, part
    after, trace = living.play(config, params, std, life, key)
    batch = living.batch_of(
        config,
        trace,
        life.population.genomes,
        after.population.genomes,
        living.value_of(config, params, after),
    )
    return after, batch, _metrics(trace)


def _metrics(trace: Trace) -> dict[str, Array]:
    """Means over living agents and steps; counts are of a world and step."""
    living_count = jnp.maximum(jnp.sum(trace.alive), 1)
    worlds = trace.alive.shape[0] * trace.alive.shape[1]
    counts = {
        "world/population": trace.alive,
        "world/births": trace.child,
        "world/founders": trace.newcomer & ~trace.child,
        "world/deaths": trace.died,
        "world/picked": trace.picked,
        "world/delivered": trace.delivered,
    }
    metrics = {name: jnp.sum(each) / worlds for name, each in counts.items()}
    earned = jnp.sum(jnp.where(trace.alive, trace.reward, 0.0))
    return metrics | {"world/reward": earned / living_count}


def _learnt(
    state: State, batches: Batch, learns: Array, key: Array
) -> tuple[Params, Any, dict[str, Array]]:
    """Shared weights, optimizer and losses after the epochs; as before in evolution's turn."""
    config = state.config
    held = state.params, state.opt_state, state.losses
    if config.mode == "evolve":
        return held
    learn = partial(_epochs, config, batches, key)
    if config.mode == "gradient":
        return learn(held)
    result: tuple[Params, Any, dict[str, Array]]
    result = jax.lax.cond(learns, learn, lambda held: held, held)
    return result


def _epochs(
    config: Config, batches: Batch, key: Array, held: tuple[Params, Any, dict[str, Array]]
) -> tuple[Params, Any, dict[str, Array]]:
    """batches: leaves [shards, ...]. Each minibatch has as many slots of every part."""
    learning, rule = config.learning, ppo.optimizer(config.learning)
    slots = batches.first.shape[1]

    def descend(
        held: tuple[Params, Any], chosen: Array
    ) -> tuple[tuple[Params, Any], dict[str, Array]]:
        params, opt_state = held
        slope = partial(_slope, learning)
        found = shards.spread(slope, config.shards, params, (batches, chosen))
        found = shards.gathered(found, config.shards)
        gradient, metrics = jax.tree.map(partial(jnp.mean, axis=0), found)
        updates, opt_state = rule.update(gradient, opt_state, params)
        return (optax.apply_updates(params, updates), opt_state), metrics

    lots = jax.random.bits(key, (learning.epochs, config.shards, slots))
    orders = jnp.argsort(lots, axis=-1).reshape(*lots.shape[:2], learning.minibatches, -1)
    orders = orders.swapaxes(1, 2).reshape(-1, config.shards, orders.shape[-1])
    (params, opt_state), metrics = jax.lax.scan(descend, held[:2], orders)
    return params, opt_state, jax.tree.map(jnp.mean, metrics)


def _slope(
    learning: ppo.Learning, params: Params, part: tuple[Batch, Array]
) -> tuple[Params, dict[str, Array]]:
    batch, chosen = part
    slope = jax.grad(partial(ppo.loss, learning), has_aux=True)
    gradient, metrics = slope(params, ppo.columns(batch, chosen))
    return gradient, metrics

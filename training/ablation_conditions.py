"""The conditions of an ablation: what agents read, who is born, whose weights they act with.

All are one program, told apart by numbers, so that it compiles once. Nothing but what an agent
sees depends on the field: to change what is read is to change all that the field can do.
Shapes: N worlds, A slots, R rows, K columns, C channels, D numbers of a genome.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from evaluation.envs.foraging.jax_env import Outcome, State, field_at
from evaluation.envs.foraging.world import TRAIL, World, map_of
from training import episodes
from training.episodes import Condition, Tally
from training.foraging_config import Config
from training.policy import Params

FIELDS = ("normal", "zeroed", "random", "frozen", "not seen", "write only")
EVOLUTIONS = ("on", "no mutation", "no inheritance", "off")
WEIGHTS = ("divergent", "uniform", "random")
BEFORE_FIELD = 6  # numbers of an observation


class Case(NamedTuple):
    """A condition by its names, and the name of the one that it is compared with."""

    name: str
    field: str = "normal"
    evolution: str = "on"
    weights: str = "divergent"
    reference: str = "normal"


CASES = (
    Case("normal", reference=""),
    *(Case(f"field {name}", field=name) for name in FIELDS[1:]),
    *(Case(f"evolution {name}", evolution=name) for name in EVOLUTIONS[1:]),
    Case("evolution off, not seen", field="not seen", evolution="off", reference="evolution off"),
    *(Case(f"weights {name}", weights=name) for name in WEIGHTS[1:]),
)


class People(NamedTuple):
    """Who lives in a checkpoint of M worlds. genomes: [M, A, D]; alive: bool[M, A].

    energy: that of the living on average.
    """

    params: Params
    genomes: Array
    alive: Array
    energy: Array


class Setup(NamedTuple):
    """A case in numbers: places in FIELDS, EVOLUTIONS and WEIGHTS.

    crowd: how many agents there are where none is born or dies.
    """

    field: Array
    evolution: Array
    weights: Array
    crowd: Array


def setup(case: Case, crowd: int) -> Setup:
    places = (
        FIELDS.index(case.field),
        EVOLUTIONS.index(case.evolution),
        WEIGHTS.index(case.weights),
        crowd,
    )
    return Setup(*(jnp.int32(place) for place in places))


@partial(jax.jit, static_argnums=(0, 1))
def play(config: Config, count: int, people: People, chosen: Setup, key: Array) -> Tally:
    """So many episodes; of one key all cases have the same maps, founders and chances."""
    draw_key, noise_key, play_key = jax.random.split(key, 3)
    std = _mutation(config, chosen)
    founders = founders_of(config.world, count, people, chosen, draw_key, noise_key)
    held = condition(config.world, people, chosen)
    return episodes.play(config, people.params, founders, play_key, std, held)


def condition(world: World, people: People, chosen: Setup) -> Condition:
    """What differs in the worlds and in what is seen of them."""
    return Condition(
        opening=partial(_open, world, people, chosen),
        after=partial(_after, world, people, chosen),
        view=partial(_view, world, chosen),
    )


def _mutation(config: Config, chosen: Setup) -> Array:
    """As in training; none where weights are to stay alike."""
    evolution = config.evolution
    std = evolution.evolve_std if config.mode == "evolve" else evolution.mutation_std
    mutates = (chosen.evolution != EVOLUTIONS.index("no mutation")) & (
        chosen.weights != WEIGHTS.index("uniform")
    )
    return jnp.where(mutates, std, 0.0)


def founders_of(
    world: World, count: int, people: People, chosen: Setup, draw_key: Array, noise_key: Array
) -> Array:
    """[N, A, D]: of all slots, so that also who is nobody's child has one."""
    shape, living = (count, world.max_agents), people.alive[..., None]
    own = episodes.draw(people.genomes, people.alive, shape, draw_key)
    mean = jnp.mean(people.genomes, axis=(0, 1), where=living)
    spread = jnp.std(people.genomes, axis=(0, 1), where=living)
    alike = jnp.broadcast_to(mean, own.shape)
    kinds = own, alike, mean + spread * jax.random.normal(noise_key, own.shape)
    return jax.lax.select_n(chosen.weights, *kinds)


def _open(world: World, people: People, chosen: Setup, worlds: State, key: Array) -> State:
    held = _held(world, people, chosen, _crowded(world, chosen, worlds), worlds.field, key)
    return held._replace(sensed=jax.vmap(field_at)(held))


def _after(
    world: World,
    people: People,
    chosen: Setup,
    before: State,
    after: State,
    outcome: Outcome,
    key: Array,
) -> tuple[State, Outcome]:
    """The world as it is read, and without births and deaths where there are to be none."""
    is_off = chosen.evolution == EVOLUTIONS.index("off")
    inherits = chosen.evolution != EVOLUTIONS.index("no inheritance")
    slots = jnp.arange(world.max_agents, dtype=jnp.int32)
    after = after._replace(alive=jnp.where(is_off, before.alive, after.alive))
    outcome = outcome._replace(
        born=outcome.born & ~is_off,
        died=outcome.died & ~is_off,
        source=jnp.where(inherits, outcome.source, slots),
    )
    after = _held(world, people, chosen, after, before.field, key)
    sensed = jnp.where(outcome.born[..., None], jax.vmap(field_at)(after), after.sensed)
    return after._replace(sensed=sensed), outcome


def _crowded(world: World, chosen: Setup, worlds: State) -> State:
    """Other founders where nobody will be born: the first so many slots have one.

    Those beyond num_agents take the nest's cells in turn.
    """
    is_off = chosen.evolution == EVOLUTIONS.index("off")
    slots = jnp.arange(world.max_agents, dtype=jnp.int32)
    cells = jnp.asarray(map_of(world, 1).nest_cells[0])
    living = jnp.where(is_off, slots < chosen.crowd, worlds.alive)
    settled = living & ~worlds.alive
    return worlds._replace(
        alive=living,
        position=jnp.where(settled[..., None], cells[slots % len(cells)], worlds.position),
        id=jnp.where(living, slots, -1),
    )


def _held(
    world: World, people: People, chosen: Setup, worlds: State, before: Array, key: Array
) -> State:
    """The worlds with the field that is read, [N, R, K, C], and energy that nobody lives by.

    before: the field read before. Energy is held at the mean of those who live in the checkpoint.
    """
    is_off = chosen.evolution == EVOLUTIONS.index("off")
    level = jnp.maximum(people.energy, world.energy_per_step + 1)
    energy = jnp.where(is_off & worlds.alive, level, worlds.energy)
    field = worlds.field
    readings = {
        "normal": lambda: field,
        "zeroed": lambda: jnp.zeros_like(field),
        "random": lambda: world.field_cap * jax.random.uniform(key, field.shape),
        "frozen": lambda: before,
        "not seen": lambda: field,  # which lives on; see _view
        "write only": lambda: field.at[..., TRAIL].set(0.0),
    }
    read = jax.lax.switch(chosen.field, [readings[name] for name in FIELDS])
    return worlds._replace(field=read, energy=energy)


def _view(world: World, chosen: Setup, seen: Array, alive: Array, key: Array) -> Array:
    """Where the field is not seen, all read the mean of what the living of their world feel."""
    numbers = slice(BEFORE_FIELD, BEFORE_FIELD + 6 * world.channels)
    felt = jnp.where(alive[..., None], seen[..., numbers], 0.0)
    living = jnp.maximum(jnp.sum(alive, axis=1), 1)
    mean = jnp.sum(felt, axis=1, keepdims=True) / living[:, None, None]
    is_blank = chosen.field == FIELDS.index("not seen")
    read = jnp.where(is_blank, mean, seen[..., numbers])
    return seen.at[..., numbers].set(read)

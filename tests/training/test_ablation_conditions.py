"""The conditions of an ablation: each changes what it says, and nothing else."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from evaluation.envs.foraging import jax_env
from evaluation.envs.foraging.world import TERRITORY, TRAIL, World
from tests.training.ablations import (
    EPISODES,
    MUTATION,
    STEPS,
    WIDTH,
    WORLD,
    WORLDS,
    config_of,
)
from training import episodes, life, policy
from training.ablation_conditions import (
    CASES,
    Case,
    People,
    Setup,
    condition,
    founders_of,
    play,
    setup,
)

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("unoptimised")]

CROWD = 6  # agents where none is born or dies
# Nobody is born or dies, what stands in the field stays there.
STILL = World(
    grid_size=9, nest_radius=1, num_agents=4, max_agents=8, num_food=12, max_steps=3 * STEPS,
    energy_per_step=0.0, reproduce_threshold=10_000.0, food_respawn_prob=1.0,
    diffusion_rate=0.0, decay_rate=0.0, territory_strength=0.0,
)  # fmt: skip
FIELD = slice(6, 6 + 6 * WORLD.channels)
OWN_CELL = 6 + 4 * WORLD.channels
UP, DOWN = 1, 2
OTHERS = [case for case in CASES if case.field != "normal" and case.evolution == "on"]


def people_of(spread: float, world: World = WORLD, params: policy.Params | None = None) -> People:
    """Agents whose genomes differ so much, some of whom have died."""
    shared = policy.init(jax.random.key(1), world.observation_size, WIDTH)
    shared["policy"]["kernel"] *= 100
    shape = WORLDS, world.max_agents
    genomes = spread * jax.random.normal(jax.random.key(2), (*shape, policy.genome_size(WIDTH)))
    alive = jnp.arange(world.max_agents) % 4 < jnp.array([[4], [3]])
    return People(params or shared, genomes, alive, jnp.float32(100))


def played(people: People, case: Case, world: World = WORLD) -> episodes.Tally:
    tally = play(config_of(world), EPISODES, people, setup(case, CROWD), jax.random.key(0))
    return jax.tree.map(np.asarray, tally)


def case_of(name: str) -> Case:
    return next(case for case in CASES if case.name == name)


def equal(one: episodes.Tally, other: episodes.Tally) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


class Look(NamedTuple):
    """What is seen in each step of some worlds, [steps, worlds, ...], and who has just come."""

    worlds: jax_env.State
    seen: np.ndarray
    born: np.ndarray

    @property
    def living(self) -> np.ndarray:
        """All that the living have seen: [agents and steps, numbers]."""
        return self.seen[self.worlds.alive]


@jax.jit
def watched(chosen: Setup) -> Look:
    """Agents that move at random, whatever they see."""
    held = condition(WORLD, people_of(0.1), chosen)
    worlds = held.opening(life.open_worlds(WORLD, 2, jax.random.key(0)), jax.random.key(1))
    chances = jax_env.draw(WORLD, 1, jax.random.key(2), (STEPS, 2))
    actions = jax.random.randint(jax.random.key(3), (STEPS, 2, WORLD.max_agents), 0, 5)

    def step(carry, drawn):
        (worlds, born), (action, chance, key) = carry, drawn
        seen = held.view(life.observe(WORLD, worlds), worlds.alive, key)
        after, outcome = life.advance(WORLD, worlds, action, chance)
        after, outcome = held.after(worlds, after, outcome, key)
        return (after, outcome.born), Look(worlds, seen, born)

    keys = jax.random.split(jax.random.key(4), STEPS)
    return jax.lax.scan(step, (worlds, worlds.alive), (actions, chances, keys))[1]


def look(name: str) -> Look:
    return jax.tree.map(np.asarray, watched(setup(case_of(name), CROWD)))


def test_normal_condition_is_an_ordinary_episode():
    people, key = people_of(0.3), jax.random.key(0)
    draw_key, noise_key, play_key = jax.random.split(key, 3)
    chosen = setup(CASES[0], CROWD)
    founders = founders_of(WORLD, EPISODES, people, chosen, draw_key, noise_key)
    usual = jax.jit(
        lambda: episodes.play(config_of(WORLD), people.params, founders, play_key, MUTATION)
    )
    assert equal(played(people, CASES[0]), jax.tree.map(np.asarray, usual()))


def test_field_that_is_zeroed_is_nothing_to_everybody():
    assert np.any(look("normal").living[:, FIELD])
    assert not np.any(look("field zeroed").living[:, FIELD])


def test_random_field_fills_all_channels_anew_in_every_step():
    seen = look("field random").living[:, OWN_CELL : OWN_CELL + WORLD.channels]
    assert np.all(np.abs(seen.mean(axis=0) - 0.5) < 0.1)
    assert len(np.unique(seen)) > 0.9 * seen.size


def test_frozen_field_stays_as_it_was_at_the_start():
    frozen = look("field frozen")
    first = frozen.worlds.field[0]
    assert first[..., TERRITORY].max() == 1
    assert np.all(frozen.worlds.field == first)
    change = frozen.seen[1:, ..., OWN_CELL + WORLD.channels : FIELD.stop]
    assert np.any(change)
    assert not np.any(change[frozen.born[1:]])  # newcomers notice none


def test_field_that_is_not_seen_tells_nobody_where_it_is():
    blank, usual = look("field not seen"), look("normal")
    assert np.array_equal(blank.worlds.field, usual.worlds.field)
    for told, felt, alive in zip(blank.seen, usual.seen, usual.worlds.alive, strict=True):
        for world in range(len(alive)):
            numbers = told[world, alive[world], FIELD]
            assert np.all(numbers == numbers[0])
            mean = felt[world, alive[world], FIELD].mean(axis=0)
            assert np.allclose(numbers[0], mean, atol=1e-6)


def test_trail_that_is_only_written_is_read_by_nobody():
    written, usual = look("field write only").living, look("normal").living
    trail, territory = (slice(6 + channel, FIELD.stop, 4) for channel in (TRAIL, TERRITORY))
    assert np.any(usual[:, trail])
    assert not np.any(written[:, trail])
    assert np.array_equal(written[:, territory], usual[:, territory])


@pytest.mark.parametrize("case", OTHERS, ids=lambda case: case.field)
def test_conditions_of_the_field_change_the_field_only(case):
    kept = np.r_[0 : FIELD.start, FIELD.stop : WORLD.observation_size]
    assert np.array_equal(look(case.name).living[:, kept], look("normal").living[:, kept])


@pytest.mark.parametrize("case", OTHERS, ids=lambda case: case.field)
def test_agents_that_do_not_look_at_the_field_do_as_ever(case):
    blind = people_of(0.3)
    blind.params["dense_0"]["kernel"] = blind.params["dense_0"]["kernel"].at[FIELD].set(0.0)
    assert equal(played(blind, case), played(blind, CASES[0]))
    assert not equal(played(people_of(0.3), case), played(people_of(0.3), CASES[0]))


def walkers() -> policy.Params:
    """Agents that see nothing but territory and trail in their own cell.

    Up from where the territory is, down along a trail and where there is neither: out of the nest,
    to and fro above it, and home on the trail that they lay as soon as they carry something.
    """
    params = policy.init(jax.random.key(3), STILL.observation_size, WIDTH)
    rows = jnp.array([OWN_CELL + TRAIL, OWN_CELL + TERRITORY])
    kernel = jnp.zeros_like(params["dense_0"]["kernel"])
    params["dense_0"]["kernel"] = kernel.at[rows].set(params["dense_0"]["kernel"][rows])
    params["dense_0"]["bias"] = jax.random.normal(jax.random.key(4), (WIDTH,))
    seen = np.zeros((4, STILL.observation_size), np.float32)
    seen[:, rows] = [[0, 0], [0, 1], [1, 0], [1, 1]]
    wanted = 40 * np.eye(policy.ACTIONS)[[DOWN, UP, DOWN, DOWN]]
    nothing = jnp.zeros((4, policy.genome_size(WIDTH)))
    # The hidden layer's answers to these four, each unit read out by itself.
    units = []
    for unit in range(WIDTH):
        only = jnp.zeros((WIDTH, policy.ACTIONS)).at[unit, 0].set(1.0)
        logits, _ = policy.act(
            params | {"policy": {**params["policy"], "kernel": only}}, nothing, seen
        )
        units.append(np.asarray(logits)[:, 0])
    readout = np.linalg.lstsq(np.stack(units, axis=1), wanted, rcond=None)[0]
    params["policy"]["kernel"] = jnp.asarray(readout, jnp.float32)
    return params


@pytest.mark.parametrize("name", ["zeroed", "frozen", "write only"])
def test_agents_that_live_by_the_field_alone_need_it(name):
    people = people_of(0.0, STILL, walkers())
    with_field = played(people, CASES[0], STILL).delivered.mean()
    without = played(people, case_of(f"field {name}"), STILL).delivered.mean()
    assert with_field > 2
    assert without < with_field / 2


def test_nobody_is_born_or_dies_without_evolution():
    usual, off = (played(people_of(0.3), case_of(name)) for name in ("normal", "evolution off"))
    assert usual.births.all()
    assert usual.deaths.any()
    assert not off.births.any()
    assert not off.deaths.any()
    assert np.allclose(off.population, CROWD)
    assert np.all(off.lives == CROWD)


@pytest.mark.parametrize("crowd", [2, CROWD])
def test_without_evolution_as_many_live_as_are_asked_for(crowd):
    """Fewer than usually begin, too."""
    off = jax.tree.map(np.asarray, watched(setup(case_of("evolution off"), crowd))).worlds
    wanted = np.arange(WORLD.max_agents) < crowd
    assert np.all(off.alive == wanted)
    assert np.array_equal(np.unique(off.id[0]), np.arange(-1, crowd))


def test_nobody_feels_a_change_of_what_has_just_been_read_for_the_first_time():
    for case in CASES:
        assert not np.any(look(case.name).seen[0, ..., OWN_CELL + WORLD.channels : FIELD.stop])


def test_energy_says_nothing_without_evolution():
    energies = look("evolution off").living[:, 2]
    assert np.all(energies == np.float32(100 / WORLD.max_energy))


def test_newcomers_without_inheritance_act_as_nobody_before_them():
    """Each slot has a genome of its own from the first, which a newcomer takes over."""
    people, case = people_of(0.3), case_of("evolution no inheritance")
    held = condition(WORLD, people, setup(case, CROWD))
    worlds = life.open_worlds(WORLD, 2, jax.random.key(0))
    shape = 2, WORLD.max_agents
    nothing, nobody = jnp.zeros(shape), jnp.zeros(shape, bool)
    outcome = jax_env.Outcome(nothing, *[nobody] * 4, jnp.full(shape, 3))
    _, changed = jax.jit(held.after)(worlds, worlds, outcome, jax.random.key(2))
    assert np.array_equal(changed.source, np.tile(np.arange(WORLD.max_agents), (2, 1)))
    assert not equal(played(people, case), played(people, CASES[0]))


SAME = [("weights random", "normal"), ("weights uniform", "evolution no mutation")]


@pytest.mark.parametrize(("name", "other"), SAME)
def test_agents_that_are_all_alike_owe_nothing_to_each_others_weights(name, other):
    alike, unlike = people_of(0.0), people_of(0.3)
    assert equal(played(alike, case_of(name)), played(alike, case_of(other)))
    assert not equal(played(unlike, case_of(name)), played(unlike, case_of(other)))


def test_founders_are_drawn_averaged_or_made_up():
    people = people_of(0.3)
    keys = jax.random.key(1), jax.random.key(2)
    own, alike, made = (
        np.asarray(founders_of(WORLD, 50, people, setup(case_of(name), CROWD), *keys))
        for name in ("normal", "weights uniform", "weights random")
    )
    known = {genome.tobytes() for genome in np.asarray(people.genomes)[people.alive]}
    assert {genome.tobytes() for genome in own.reshape(-1, own.shape[-1])} == known
    living = np.asarray(people.genomes)[people.alive]
    mean, spread = living.mean(axis=0), living.std(axis=0)
    assert np.allclose(alike, mean, atol=1e-6)
    assert np.allclose(made.mean(axis=(0, 1)), mean, atol=0.1)
    assert np.allclose(made.std(axis=(0, 1)), spread, rtol=0.3)


def test_all_conditions_are_one_program():
    before = play._cache_size()
    for case in CASES:
        played(people_of(0.1), case)
    assert play._cache_size() <= before + 1

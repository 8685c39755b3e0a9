"""Ablations of foraging: what each condition changes, and that it changes nothing else."""

import json
import re
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from evaluation.envs.foraging import jax_env
from evaluation.envs.foraging.world import TERRITORY, TRAIL, World, map_of
from training import ablation, ablation_figures, ablation_plot, episodes, life, policy, storage
from training.__main__ import main
from training.ablation_conditions import CASES, Case, People, Setup, condition, founders_of, play, setup
from training.ablation_people import ENERGY, read
from training.export_colony import GENOMES, LIVING
from training.folder import replacing
from training.foraging_config import Config, Network
from training.launch import launch
from training.population import Evolution
from training.stop import Stop

pytestmark = pytest.mark.usefixtures("unoptimised")

STEPS, EPISODES, WIDTH = 30, 6, 16
WORLD = World(
    grid_size=9, nest_radius=1, num_agents=4, max_agents=8, num_food=8, max_steps=STEPS,
    energy_per_step=8.0, food_respawn_prob=1.0,
)  # fmt: skip
# Nobody is born or dies, what stands in the field stays there.
STILL = World(
    grid_size=9, nest_radius=1, num_agents=4, max_agents=8, num_food=8, max_steps=STEPS,
    energy_per_step=0.0, reproduce_threshold=10_000.0, food_respawn_prob=1.0,
    diffusion_rate=0.0, decay_rate=0.0, territory_strength=0.0,
)  # fmt: skip
FIELD = slice(6, 6 + 6 * WORLD.channels)
OWN_CELL = 6 + 4 * WORLD.channels
UP, DOWN = 1, 2
OTHERS = [case for case in CASES if case.field != "normal" and case.evolution == "on"]


def config_of(world: World, std: float = 0.05) -> Config:
    evolution = Evolution(mutation_std=std)
    return Config(world=world, network=Network(WIDTH), evolution=evolution, num_envs=2)


def people_of(spread: float, world: World = WORLD, params: policy.Params | None = None) -> People:
    """Twenty agents whose genomes differ so much."""
    shared = policy.init(jax.random.key(1), world.observation_size, WIDTH)
    shared["policy"]["kernel"] *= 100
    genomes = spread * jax.random.normal(jax.random.key(2), (20, policy.genome_size(WIDTH)))
    return People(params or shared, genomes, jnp.float32(100))


def played(people: People, case: Case, world: World = WORLD, std: float = 0.05) -> episodes.Tally:
    chosen = setup(case, 6)
    return jax.tree.map(
        np.asarray, play(config_of(world, std), EPISODES, people, chosen, jax.random.key(0))
    )


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
    return jax.tree.map(np.asarray, watched(setup(case_of(name), 6)))


def test_normal_condition_is_an_ordinary_episode():
    people, key = people_of(0.3), jax.random.key(0)
    draw_key, noise_key, play_key = jax.random.split(key, 3)
    chosen = setup(CASES[0], 6)
    founders = founders_of(WORLD, EPISODES, people, chosen, draw_key, noise_key)
    usual = jax.jit(lambda: episodes.play(config_of(WORLD), people.params, founders, play_key, 0.05))
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
        logits, _ = policy.act(params | {"policy": {**params["policy"], "kernel": only}}, nothing, seen)
        units.append(np.asarray(logits)[:, 0])
    readout = np.linalg.lstsq(np.stack(units, axis=1), wanted, rcond=None)[0]
    params["policy"]["kernel"] = jnp.asarray(readout, jnp.float32)
    return params


@pytest.mark.parametrize("name", ["zeroed", "frozen", "not seen", "write only"])
def test_agents_that_live_by_the_field_alone_need_it(name):
    people = people_of(0.0, STILL, walkers())
    with_field = played(people, CASES[0], STILL, std=0.0).delivered.mean()
    without = played(people, case_of(f"field {name}"), STILL, std=0.0).delivered.mean()
    print(name, with_field, without)
    assert with_field > 4
    assert without < with_field / 4

"""What no rule of foraging may lose, and how colonies start."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from evaluation.envs.foraging import rules
from evaluation.envs.foraging.handmade import BUSY, play
from evaluation.envs.foraging.rules import State
from evaluation.envs.foraging.world import World, map_of


def wander(world: World, colonies: int, steps: int, seed: int = 4) -> Any:
    """Random play: (state, state after, outcome) of each step."""
    generator = np.random.default_rng(seed)
    state = rules.init(world, colonies, rules.draw_opening(world, colonies, generator))
    for _ in range(steps):
        actions = generator.integers(0, 5, len(state.alive)).astype(np.int32)
        chance = rules.draw(world, colonies, generator)
        after, outcome = rules.step(world, colonies, state, actions, chance)
        yield state, after, outcome
        state = after


@pytest.mark.parametrize("colonies", [1, 4])
def test_energy_is_conserved(colonies):
    for before, after, outcome in wander(BUSY, colonies, 200):
        energy = before.energy.astype(np.float64)
        energy[outcome.picked] = BUSY.max_energy
        fed = np.minimum(energy + 0.95 * BUSY.food_energy, BUSY.max_energy)
        energy = np.where(outcome.delivered, fed, energy)
        tired = before.alive & ~after.cooldown
        energy -= np.where(tired, np.minimum(BUSY.energy_per_step, energy), 0)
        founders = np.sum(outcome.born & (outcome.source < 0))
        expected = energy.sum() + founders * BUSY.starting_energy
        assert after.energy.sum() == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("colonies", [1, 4])
def test_every_item_that_is_taken_is_in_somebodys_hands(colonies):
    world = replace(BUSY, food_respawn_prob=0.0)
    picked = 0
    for before, after, outcome in wander(world, colonies, 100):
        picked += outcome.picked.sum()
        assert after.taken.sum() == before.taken.sum() + outcome.picked.sum()
        assert not (outcome.picked & before.carrying).any()
        assert (outcome.delivered <= (before.carrying | outcome.picked)).all()
        assert (after.carrying <= (before.carrying | outcome.picked)).all()
    assert picked >= 12


@pytest.mark.parametrize("colonies", [1, 4])
def test_no_id_is_given_twice_and_every_parent_was_there(colonies):
    known = set(range(4 * colonies))
    for before, after, outcome in wander(BUSY, colonies, 200):
        new = after.id[outcome.born].tolist()
        assert sorted(new) == list(range(before.next_id, after.next_id))
        known.update(new)
        living = after.id[after.alive].tolist()
        assert len(set(living)) == len(living)
        stayed = before.alive & ~outcome.died
        assert (after.id[stayed] == before.id[stayed]).all()
        children = outcome.source >= 0
        assert (after.parent[children] == before.id[outcome.source[children]]).all()
        assert (after.parent[outcome.born & ~children] == -1).all()
    assert known == set(range(after.next_id))


@pytest.mark.parametrize("colonies", [1, 3])
def test_the_minimum_is_kept_and_the_most_is_not_passed(colonies):
    deadly = replace(BUSY, energy_per_step=8.0)
    deaths = 0
    for _, after, outcome in wander(deadly, colonies, 150):
        alive = after.alive.reshape(colonies, -1).sum(axis=1)
        assert (alive >= deadly.min_agents).all()
        deaths += outcome.died.sum()
    assert deaths > 50


def test_everything_stays_within_its_bounds():
    for _, state, _ in wander(BUSY, 3, 150):
        assert (state.energy >= 0).all()
        assert (state.energy <= BUSY.max_energy).all()
        assert (state.field >= 0).all()
        assert (state.field <= BUSY.field_cap).all()
        assert (state.position >= 0).all()
        assert (state.position < [8, 24]).all()
        assert not (state.cooldown & ~state.carrying).any()
        assert not (state.carrying & ~state.alive).any()
        assert np.abs(rules.observe(BUSY, 3, state)).max() <= 1


def test_a_step_changes_nothing_of_the_state_before():
    for before, _, _ in wander(BUSY, 2, 30):
        kept = State(*map(np.copy, before))
        play(before, world=BUSY, colonies=2)
        for one, other in zip(before, kept, strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("colonies", [2, 3, 4])
def test_all_colonies_start_alike(colonies):
    world, area = World(), map_of(World(), colonies)
    state = rules.init(
        world, colonies, rules.draw_opening(world, colonies, np.random.default_rng())
    )
    for leaf, size in ((state.position[state.alive], 8), (state.food, 20)):
        each = leaf.reshape(colonies, size, 2) - area.origins[:, None]
        assert (each == each[0]).all()
        assert (each >= 0).all()
    assert (state.alive.reshape(colonies, -1) == state.alive[:32]).all()
    seen = rules.observe(world, colonies, state._replace(noise=np.zeros_like(state.noise)))
    each = seen.reshape(colonies, 32, -1)
    np.testing.assert_allclose(each[..., :30], [each[0, :, :30]] * colonies, atol=1e-6)
    items = np.abs(each[..., 30:].reshape(colonies, 32, 5, 3)).sum(axis=-1)  # ties differ
    np.testing.assert_allclose(items, [items[0]] * colonies, atol=1e-6)


def test_founders_start_in_cells_of_their_own():
    state = rules.init(World(), 1, rules.draw_opening(World(), 1, np.random.default_rng(2)))
    cells = set(map(tuple, state.position[state.alive].tolist()))
    assert len(cells) == 8
    assert cells <= {(row, column) for row in range(8, 13) for column in range(8, 13)}

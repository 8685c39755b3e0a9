"""What agents see of hand-made positions of foraging."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from evaluation.envs.foraging import rules
from evaluation.envs.foraging.handmade import BARE, deserted, lay, put
from evaluation.envs.foraging.rules import State
from evaluation.envs.foraging.world import TRAIL, World


def look(state: State, world: World = BARE, colonies: int = 1) -> Any:
    return rules.observe(world, colonies, state)


def test_what_an_agent_sees_of_itself():
    state = put(deserted(BARE, 1), 0, (4, 4))
    state = put(put(state, 1, (0, 8), energy=50, carrying=True), 2, (6, 3), energy=300)
    assert look(state)[:4, :6].tolist() == [
        [0, 0, 0.5, 0, 0, 0],
        [-1, 1, 0.25, 1, pytest.approx(4 / 9), pytest.approx(-4 / 9)],
        [0.5, -0.25, 1, 0, pytest.approx(-2 / 9), pytest.approx(1 / 9)],
        [0] * 6,
    ]


def test_the_compass_errs_with_the_distance():
    state = put(put(deserted(BARE, 1), 0, (4, 4)), 1, (4, 8))
    state = state._replace(noise=np.ones_like(state.noise))
    seen = look(state)
    assert seen[0, 4:6].tolist() == [0, 0]
    assert seen[1, 4:6].tolist() == [pytest.approx(0.4 / 9), pytest.approx(-3.6 / 9)]


def test_the_nest_is_seen_the_shortest_way_around():
    seen = look(put(put(deserted(BARE, 2), 4, (0, 1)), 5, (4, 5)), colonies=2)
    assert seen[4, :2].tolist() == [-1, 1]  # six columns to the right of (4, 13) by the seam
    assert seen[4, 4:6].tolist() == [pytest.approx(4 / 9), pytest.approx(-6 / 9)]
    assert seen[5, :2].tolist() == [0, -1]
    assert seen[5, 4:6].tolist() == [0, pytest.approx(8 / 9)]


@pytest.mark.parametrize(("colonies", "expected"), [(1, [0, 9, 1, 0, 0]), (2, [144, 18, 1, 17, 0])])
def test_the_field_around_is_seen_north_south_east_west_and_here(colonies, expected):
    state = put(deserted(BARE, colonies), 0, (0, 0))
    size = 9 * 9 * colonies
    state.field[..., TRAIL] = np.arange(size).reshape(9, -1)
    assert look(state, colonies=colonies)[0, 6:26:4].tolist() == expected


def test_the_nearest_items_are_seen_in_order():
    state = put(deserted(BARE, 2), 0, (0, 0))
    state = lay(state, (3, 3), (0, 17), (1, 1), (0, 2), (8, 0), (8, 16))
    food = look(state, colonies=2)[0, 30:].reshape(5, 3)
    ways = [(0, -1), (-1, 0), (1, 1), (0, 2), (-1, -2)]
    np.testing.assert_allclose(food, [(down / 9, right / 9, 1) for down, right in ways], rtol=1e-6)


@pytest.mark.parametrize(("limit", "items", "seen"), [(2, 3, 2), (5, 3, 3), (0, 3, 0), (5, 0, 0)])
def test_what_is_not_there_or_beyond_the_limit_is_not_seen(limit, items, seen):
    world = replace(BARE, food_seen=limit)
    state = lay(put(deserted(world, 1), 0, (0, 0)), *[(7, 7)] * items)
    food = look(state, world)[0, 30:].reshape(5, 3)
    assert food[:, 2].tolist() == [1] * seen + [0] * (5 - seen)
    assert not food[seen:].any()


def test_a_world_without_agents_is_observed():
    assert look(deserted(BARE, 1)).tolist() == [[0] * 45] * 4

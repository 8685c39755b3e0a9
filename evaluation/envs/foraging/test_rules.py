"""The rules of foraging on hand-made positions, one at a time."""

from dataclasses import replace

import numpy as np
import pytest

from evaluation.envs.foraging import rules
from evaluation.envs.foraging.handmade import BARE, deserted, lay, play, put, slots
from evaluation.envs.foraging.world import TERRITORY, TRAIL, map_of

STAY, UP, DOWN, LEFT, RIGHT = range(5)


# 1 Move


@pytest.mark.parametrize(
    ("action", "cell"),
    [(STAY, (2, 3)), (UP, (1, 3)), (DOWN, (3, 3)), (LEFT, (2, 2)), (RIGHT, (2, 4))]
    + [(unknown, (2, 3)) for unknown in (-1, 5, 2**31 - 1, -(2**31))],
)
def test_an_action_moves_by_one_cell_and_an_unknown_one_stays(action, cell):
    state, _ = play(put(deserted(BARE, 1), 0, (2, 3)), action)
    assert tuple(state.position[0]) == cell


def test_a_lone_colony_has_edges():
    state = put(put(deserted(BARE, 1), 0, (0, 0)), 1, (8, 8))
    for actions in ((UP, DOWN), (LEFT, RIGHT)):
        state, _ = play(state, *actions)
    assert state.position[:2].tolist() == [[0, 0], [8, 8]]


def test_the_map_of_several_colonies_has_none():
    state = put(put(deserted(BARE, 2), 0, (0, 0)), 1, (8, 17))
    for actions in ((UP, DOWN), (LEFT, RIGHT)):
        state, _ = play(state, *actions, colonies=2)
    assert state.position[:2].tolist() == [[8, 17], [0, 0]]


def test_who_carries_moves_at_every_other_step():
    state, cells = put(deserted(BARE, 1), 0, (0, 0), carrying=True, cooldown=True), []
    for _ in range(4):
        state, _ = play(state, RIGHT)
        cells.append(state.position[0, 1])
    assert cells == [0, 1, 1, 2]
    assert state.carrying[0]


def test_dead_slots_do_nothing():
    state, outcome = play(lay(deserted(BARE, 1), (0, 1)), RIGHT, DOWN)
    assert not state.position.any()
    assert not outcome.picked.any()


# 2 Pick up


@pytest.mark.parametrize("cell", [(2, 2), (1, 1), (3, 3), (2, 3)])
def test_food_within_a_cell_is_picked_up_and_refuels(cell):
    state, outcome = play(lay(put(deserted(BARE, 1), 0, (2, 2)), cell))
    assert slots(outcome.picked) == [0]
    assert (state.carrying[0], state.cooldown[0], state.energy[0]) == (True, True, 200)
    assert state.taken.all()


def test_food_two_cells_away_is_not():
    state, outcome = play(lay(put(deserted(BARE, 1), 0, (2, 2)), (2, 4)))
    assert not outcome.picked.any()
    assert slots(~state.taken) == [0]


def test_food_is_picked_up_where_the_agent_has_gone_to():
    _, outcome = play(lay(put(deserted(BARE, 1), 0, (2, 2)), (2, 4)), RIGHT)
    assert outcome.picked[0]


def test_food_is_picked_up_across_the_seam():
    _, outcome = play(lay(put(deserted(BARE, 2), 0, (0, 0)), (8, 17)), colonies=2)
    assert outcome.picked[0]


def test_an_agent_takes_the_nearest_of_several_items_and_leaves_the_others():
    state, outcome = play(lay(put(deserted(BARE, 1), 0, (2, 2)), (1, 1), (2, 2), (3, 3)))
    assert outcome.reward[0] == 10
    assert slots(~state.taken) == [0, 2]
    state, _ = play(lay(put(deserted(BARE, 1), 0, (2, 2)), (1, 1), (3, 3)))
    assert slots(~state.taken) == [1]


def test_the_nearest_agent_gets_an_item():
    state = lay(put(put(deserted(BARE, 1), 0, (2, 1)), 3, (2, 2)), (2, 2))
    assert slots(play(state)[1].picked) == [3]


def test_agents_of_a_colony_share_ties_by_slot():
    state = lay(put(put(deserted(BARE, 1), 3, (2, 1)), 1, (2, 3)), (2, 2))
    assert slots(play(state)[1].picked) == [1]


def test_ties_between_colonies_turn():
    state = deserted(BARE, 4)
    for slot, cell in zip((0, 4, 8, 12), ((1, 1), (1, 3), (3, 1), (3, 3)), strict=True):
        state = put(state, slot, cell)
    state, winners = lay(state, (2, 2)), []
    for step in range(5):
        winners += slots(play(state._replace(step=np.int32(step)), colonies=4)[1].picked)
    assert winners == [0, 4, 8, 12, 0]


def test_who_carries_takes_nothing():
    state = lay(put(deserted(BARE, 1), 0, (0, 0), carrying=True), (0, 0))
    state, outcome = play(state)
    assert not outcome.picked.any()
    assert slots(~state.taken) == [0]


def test_an_item_that_its_nearest_agent_leaves_stays():
    """Slot 0 is nearest to both and takes one; slot 1, in reach of the other, waits a step."""
    state = lay(put(put(deserted(BARE, 1), 0, (0, 0)), 1, (0, 1)), (0, 0), (0, 0))
    state, outcome = play(state)
    assert slots(outcome.picked) == [0]
    assert slots(~state.taken) == [1]
    assert slots(play(state)[1].picked) == [1]


# 3 Return


def test_a_taken_item_returns_where_chance_puts_it():
    state = lay(put(deserted(BARE, 1), 0, (0, 0)), (0, 0))
    respawn = np.array([0.05, 0.1, 0.09], np.float32)
    place = np.array([5, 6, 70], np.int32)
    state, outcome = play(state, respawn=respawn, place=place)
    free = map_of(BARE, 1).free_cells
    assert outcome.picked[0]
    assert state.taken.tolist() == [False, True, False]
    assert state.food[[0, 2]].tolist() == free[[5, 70]].tolist()


def test_an_item_that_lies_stays_where_it_is():
    state, _ = play(lay(deserted(BARE, 1), (8, 8)), respawn=np.zeros(3, np.float32))
    assert state.food[0].tolist() == [8, 8]


@pytest.mark.parametrize("colonies", [1, 2, 3, 4])
def test_food_lies_in_every_cell_but_the_nests(colonies):
    area = map_of(BARE, colonies)
    generator, places = np.random.default_rng(1), set()
    for _ in range(300):
        places.update(rules.draw(BARE, colonies, generator).place.tolist())
    assert places == set(range(len(area.free_cells)))
    free = set(map(tuple, area.free_cells.tolist()))
    nests = set(map(tuple, area.nest_cells.reshape(-1, 2).tolist()))
    assert not free & nests
    assert len(free) + len(nests) == area.rows * area.columns == 81 * colonies
    assert len(nests) == 9 * colonies


# 4 Deliver, 5 Reward


def test_food_is_delivered_in_the_own_nest():
    state = put(deserted(BARE, 1), 0, (4, 2), energy=50, carrying=True)
    state, outcome = play(state, RIGHT)
    assert slots(outcome.delivered) == [0]
    assert outcome.reward[0] == 90
    assert (state.carrying[0], state.cooldown[0], state.energy[0]) == (False, False, 145)


def test_food_is_not_delivered_beside_the_nest_or_in_another():
    state = put(deserted(BARE, 2), 0, (4, 13), carrying=True)
    state = put(state, 1, (4, 2), carrying=True)
    assert not play(state, colonies=2)[1].delivered.any()


def test_no_delivery_feeds_beyond_the_most_energy():
    state, _ = play(put(deserted(BARE, 1), 0, (4, 4), energy=150, carrying=True))
    assert state.energy[0] == 200


def test_food_beside_the_nest_is_picked_up_and_delivered_in_one_step():
    state, outcome = play(lay(put(deserted(BARE, 1), 0, (4, 3)), (4, 2)))
    assert (outcome.picked[0], outcome.delivered[0], outcome.reward[0]) == (True, True, 100)
    assert not state.carrying[0]


# 6 Field

STILL = replace(BARE, diffusion_rate=0.0, decay_rate=0.0)


def test_a_field_spreads_by_its_kernel_and_fades():
    state = deserted(BARE, 1)
    state.field[4, 4, TRAIL] = 1
    field = play(state)[0].field[..., TRAIL]
    corner, side = 0.1 / 16 * 0.95, 0.1 / 8 * 0.95
    expected = [
        [corner, side, corner],
        [side, (0.9 + 0.1 / 4) * 0.95, side],
        [corner, side, corner],
    ]
    np.testing.assert_allclose(field[3:6, 3:6], expected, rtol=1e-5)
    assert field.sum() == pytest.approx(0.95, rel=1e-5)


@pytest.mark.parametrize("colonies", [1, 2])
def test_nothing_is_lost_where_a_field_spreads(colonies):
    world, state = replace(BARE, decay_rate=0.0), deserted(BARE, colonies)
    state.field[0, 0, TRAIL] = 1
    for _ in range(5):
        state, _ = play(state, world=world, colonies=colonies)
    assert state.field.sum() == pytest.approx(1, rel=1e-4)
    assert (state.field[-1, -1, TRAIL] > 0) == (colonies == 2)


def test_everybody_marks_territory_and_carriers_the_trail_when_they_stay_next():
    state = put(deserted(STILL, 1), 0, (0, 0), carrying=True)
    state = put(put(state, 1, (0, 0)), 2, (8, 8), carrying=True, cooldown=True)
    field = play(state, world=STILL)[0].field
    assert field[0, 0].tolist() == [1, pytest.approx(0.02), 0, 0]
    assert field[8, 8].tolist() == [0, pytest.approx(0.01), 0, 0]
    assert field.sum() == pytest.approx(1.03)


def test_no_cell_holds_more_than_the_cap():
    state = put(put(deserted(STILL, 1), 0, (0, 0), carrying=True), 1, (0, 0), carrying=True)
    assert play(state, world=STILL)[0].field.max() == 1
    low = replace(STILL, field_cap=0.5)
    assert play(state, world=low)[0].field.max() == 0.5


def test_an_agent_that_dies_has_marked_its_last_cell():
    world = replace(STILL, energy_per_step=5.0)
    state, outcome = play(put(deserted(world, 1), 0, (1, 1), energy=4), RIGHT, world=world)
    assert outcome.died[0]
    assert state.field[1, 2, TERRITORY] == pytest.approx(0.01)


# 7 Drain, 8 Death

HUNGRY = replace(BARE, energy_per_step=5.0)


def test_a_step_costs_energy_but_for_those_who_mark():
    state = put(deserted(HUNGRY, 1), 0, (0, 0))
    state = put(put(state, 1, (0, 0), carrying=True), 2, (0, 0), carrying=True, cooldown=True)
    assert play(state, world=HUNGRY)[0].energy.tolist() == [95, 100, 95, 0]


@pytest.mark.parametrize("energy", [5, 1])
def test_without_energy_an_agent_dies_and_leaves_an_empty_slot(energy):
    state = put(deserted(HUNGRY, 1), 2, (7, 7), energy, parent=7, carrying=True, cooldown=True)
    state, outcome = play(put(state, 1, (0, 0), energy=6), world=HUNGRY)
    assert (slots(outcome.died), slots(state.alive)) == ([2], [1])
    assert state.position[2].tolist() == [0, 0]
    assert [state.energy[2], state.id[2], state.parent[2]] == [0, -1, -1]
    assert not state.carrying[2]
    assert not state.cooldown[2]
    assert not state.sensed[2].any()


# 9 Births, 10 Minimum

FERTILE = replace(BARE, reproduce_threshold=60.0, reproduce_cost=50.0)


def test_the_kth_parent_fills_the_kth_free_slot_of_its_colony():
    state = deserted(FERTILE, 2)
    for slot, cell in ((1, (4, 4)), (3, (3, 3)), (5, (4, 13))):
        state = put(state, slot, cell)
    state, outcome = play(state, world=FERTILE, colonies=2)
    assert slots(outcome.born) == [0, 2, 4]
    assert outcome.source.tolist() == [1, -1, 3, -1, 5, -1, -1, -1]
    assert state.id[[0, 2, 4]].tolist() == [100, 101, 102]
    assert state.parent[[0, 2, 4]].tolist() == [1, 3, 5]
    assert state.energy[:6].tolist() == [50] * 6
    assert state.position[[0, 2, 4]].tolist() == [[3, 3], [3, 3], [3, 12]]
    assert state.next_id == 103


def test_further_parents_wait_for_a_free_slot():
    state = deserted(FERTILE, 1)
    for slot in range(3):
        state = put(state, slot, (4, 4))
    state, outcome = play(state, world=FERTILE)
    assert slots(outcome.born) == [3]
    assert state.energy.tolist() == [50, 100, 100, 50]
    assert not play(state, world=FERTILE)[1].born.any()


def test_births_need_the_own_nest_and_more_than_the_threshold():
    state = put(put(deserted(FERTILE, 2), 0, (4, 4), energy=60), 1, (4, 2))
    state = put(state, 2, (4, 13))
    assert not play(state, world=FERTILE, colonies=2)[1].born.any()


def test_a_slot_that_became_free_in_this_step_is_filled():
    world = replace(FERTILE, energy_per_step=5.0, max_agents=2)
    state = put(put(deserted(world, 1), 0, (0, 0), energy=5), 1, (4, 4))
    state, outcome = play(state, world=world)
    assert (slots(outcome.died), slots(outcome.born)) == ([0], [0])
    assert (state.id[0], state.parent[0]) == (100, 1)


def test_a_colony_below_its_minimum_gets_founders_after_the_children():
    world = replace(FERTILE, min_agents=3, num_agents=3)
    state = put(deserted(world, 2), 5, (4, 13))
    state, outcome = play(state, world=world, colonies=2)
    assert slots(outcome.born) == [0, 1, 2, 4, 6]
    assert outcome.source.tolist() == [-1, -1, -1, -1, 5, -1, -1, -1]
    assert state.id.tolist() == [101, 102, 103, -1, 100, 5, 104, -1]
    assert state.parent.tolist() == [-1, -1, -1, -1, 5, -1, -1, -1]
    assert state.energy.tolist() == [200, 200, 200, 0, 50, 50, 200, 0]


# 11 What is felt


def test_an_agent_remembers_the_field_that_it_felt_when_it_last_looked():
    state = put(put(deserted(FERTILE, 1), 0, (0, 0)), 1, (4, 4))
    state.field[..., TRAIL] = np.arange(81).reshape(9, 9) / 100
    after, _ = play(state, RIGHT, world=FERTILE)
    assert after.sensed[:3, TRAIL].tolist() == [
        pytest.approx(after.field[3, 3, TRAIL]) if slot == 2 else pytest.approx(expected)
        for slot, expected in enumerate([0.0, 0.4, 0.0])
    ]
    seen = rules.observe(FERTILE, 1, after)
    assert seen[0, 26] == pytest.approx(after.field[0, 1, TRAIL])
    assert seen[2, 26] == 0

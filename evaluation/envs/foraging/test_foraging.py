"""Foraging as the engine plays it: actions by colony, faults, records, bots."""

import random
from typing import Any

import numpy as np
import pytest

from evaluation import make
from evaluation.envs.foraging import episode, rules
from evaluation.envs.foraging.foraging import action_schema, specification, summary
from evaluation.envs.foraging.world import SETTINGS, World
from evaluation.errors import InvalidArgument

STAY, UP, DOWN, LEFT, RIGHT = range(5)
SHORT = {"episodeSteps": 31}


def played(agents: list[Any], configuration: dict[str, Any] | None = None, seed: int = 5) -> Any:
    random.seed(seed)
    env = make("foraging", configuration or SHORT, info={"seed": seed})
    env.run(agents)
    return env


def everybody(action: int) -> Any:
    return lambda observation: [action] * len(observation.members)


def test_the_defaults_are_those_of_the_world():
    configuration = make("foraging").configuration
    world = World()
    assert {name: configuration[name] for name in SETTINGS if name != "max_steps"} == {
        name: getattr(world, name) for name in SETTINGS if name != "max_steps"
    }
    assert episode.world_of(configuration) == world
    assert configuration.episodeSteps == world.max_steps + 1


def test_the_limits_are_those_of_the_world():
    fields = World.__dataclass_fields__
    for name in set(SETTINGS) - {"max_steps"}:
        field = specification["configuration"][name]
        assert {key: field[key] for key in ("minimum", "maximum")} == fields[name].metadata, name
        assert field["type"] == {int: "integer", float: "number"}[type(field["default"])]
        with pytest.raises(InvalidArgument, match=name):
            make("foraging", {name: fields[name].metadata["maximum"] + 1})


def test_settings_that_contradict_each_other_start_no_game():
    with pytest.raises(ValueError, match="founders do not fit"):
        make("foraging", {"num_agents": 26})


@pytest.mark.parametrize("seats", [1, 2, 3, 4])
def test_any_number_of_seats_is_played(seats):
    env = played(["greedy"] * seats)
    assert [seat.status for seat in env.state] == ["DONE"] * seats
    assert sum(seat.reward for seat in env.state) > 0
    assert [seat.reward for seat in env.state] == [s.observation.delivered for s in env.state]


def test_an_agent_sees_its_living_members_as_in_training():
    env = played(["greedy", "random"], {"episodeSteps": 81})
    state, views = env.foraging.state, [env.observation(seat) for seat in (0, 1)]
    whole = rules.observe(World(max_steps=80), 2, state)
    for seat, view in enumerate(views):
        living = seat * 32 + np.flatnonzero(state.alive[seat * 32 : seat * 32 + 32])
        np.testing.assert_allclose(view.members, whole[living], atol=5.1e-5)
        assert view.ids == state.id[living].tolist()
        assert view.parents == state.parent[living].tolist()
        assert all(number == round(number, 4) for row in view.members for number in row)
    assert any(parent >= 0 for parent in views[0].parents)


def test_actions_are_carried_out_in_the_order_of_the_members():
    env = make("foraging", SHORT, info={"seed": 1})
    env.step([[UP, DOWN, LEFT, RIGHT, STAY, STAY, STAY, STAY], [STAY] * 8])
    before, after = (step[0].observation.world.agents for step in env.steps)
    moves = [(b[3] - a[3], b[4] - a[4]) for a, b in zip(before, after, strict=False)]
    assert moves[:8] == [(-1, 0), (1, 0), (0, -1), (0, 1), (0, 0), (0, 0), (0, 0), (0, 0)]


@pytest.mark.parametrize(
    "action",
    [[], [0] * 7, [0] * 9, [0] * 7 + [5], [0] * 7 + [-1], [0.0] * 8, [False] * 8, [[0]] * 8,
     ["0"] * 8, [None] * 8],
)  # fmt: skip
def test_an_action_that_fits_not_every_member_is_invalid_for_that_seat_alone(action):
    env = played([lambda: action, "greedy", "greedy"])
    assert [seat.status for seat in env.state] == ["INVALID", "DONE", "DONE"]
    assert env.fault(0) == "The action must be a list of 8 whole numbers 0 to 4, one per member."
    assert env.state[0].reward is None
    assert env.state[1].reward > 0
    assert len(env.steps) == SHORT["episodeSteps"]


def test_a_colony_whose_agent_has_failed_stands_still():
    env = played([lambda: 1 / 0, everybody(RIGHT)])
    places = [
        {tuple(agent[1:5:2]): agent[4] for agent in step[0].observation.world.agents}
        for step in env.steps[:4]
    ]
    founders = [[tuple(agent[3:5]) for agent in step[0].observation.world.agents if agent[1] < 8]
                for step in env.steps[:5]]  # fmt: skip
    assert founders == founders[:1] * 5
    assert places[0] != places[3]
    assert env.state[0].status == "ERROR"


def test_a_colony_that_died_out_is_asked_on_and_answers_nothing():
    deadly = {"episodeSteps": 12, "min_agents": 0, "starting_energy": 3, "num_food": 1}
    env = played([everybody(STAY), everybody(STAY)], deadly)
    assert env.state[0].observation.world.agents == []
    assert len(env.steps[3][0].observation.world.deaths) == 16
    assert [seat.status for seat in env.state] == ["DONE", "DONE"]
    assert env.state[1].action == []


def test_what_everybody_does_is_recorded():
    env = played(["greedy", "greedy"], {"episodeSteps": 61, "energy_per_step": 4})
    state, facts = env.foraging.state, env.state[0].observation.world
    slots = np.flatnonzero(state.alive).tolist()
    assert facts.seed == 5
    assert [agent[0] for agent in facts.agents] == slots
    assert facts.agents[3] == [
        slots[3], state.id[slots[3]], state.parent[slots[3]], *state.position[slots[3]],
        np.ceil(state.energy[slots[3]]), state.carrying[slots[3]] + state.cooldown[slots[3]],
    ]  # fmt: skip
    cells = [-1 if taken else row * 40 + column
             for (row, column), taken in zip(state.food, state.taken, strict=True)]  # fmt: skip
    assert facts.food == cells
    for before, after in zip(env.steps, env.steps[1:], strict=False):
        one, other = (step[0].observation.world for step in (before, after))
        gone = {agent[1] for agent in one.agents} - {agent[1] for agent in other.agents}
        assert {death[0] for death in other.deaths} == gone
        cells = {agent[1]: agent[3:5] for agent in one.agents}
        for name, row, column in other.deaths:
            assert abs(row - cells[name][0]) + abs(column - cells[name][1]) <= 1
    assert "world" not in env.observation(0)


def test_a_loaded_episode_sees_and_plays_on_as_the_one_that_was_played():
    env = played(["greedy", lambda observation: [1] if observation.step == 9 else
                  [STAY] * len(observation.members)], {"episodeSteps": 21})  # fmt: skip
    for count in (1, 8, 14, 21):
        loaded = make("foraging", env.configuration, env.info, env.toJSON()["steps"][:count])
        for step in env.steps[count:]:
            loaded.step([seat.action for seat in step])
        assert loaded.steps == env.steps
        assert loaded.observation(0) == env.observation(0)
    twin = env.clone()
    assert twin.observation(1) == env.observation(1)


def test_the_action_schema_knows_the_most_members():
    assert action_schema({"max_agents": 5})["maxItems"] == 5


def step(*delivered: int) -> list[Any]:
    return [{"observation": {"delivered": count}, "reward": count} for count in delivered]


def test_a_summary_of_every_end():
    assert summary([step(0, 0, 0), step(1, 2, 0), step(2, 2, 0), step(3, 2, 1)], {}) == {
        "cause": "Seat 1 delivered most: 3, 2 and 1 items of food",
        "winner": 0,
        "decisive_step": 3,
    }
    undecided = {"winner": None, "decisive_step": None}
    told = summary([step(0, 0), step(4, 4)], {})
    assert told == {"cause": "No seat delivered most: 4 and 4 items of food", **undecided}
    told = summary([step(0), step(4)], {})
    assert told == {"cause": "The colony delivered 4 items of food", **undecided}


def test_the_drawing_shows_nests_food_agents_and_counts():
    env = make("foraging", {"grid_size": 8, "nest_radius": 1, "num_agents": 2}, info={"seed": 3})
    *rows, told = str(env.render(mode="ansi")).splitlines()
    assert told == "a delivered 0, 2 alive; b delivered 0, 2 alive"
    assert [len(row) for row in rows] == [16] * 8
    text = "".join(rows)
    assert (text.count("a"), text.count("b"), text.count(":")) == (2, 2, 14)
    assert 0 < text.count("*") <= 40
    env.step([[STAY, STAY], [STAY, STAY]])
    assert str(env.render(mode="ansi")) != ""


def test_agents_with_food_are_drawn_in_capitals():
    env = played(["greedy", "greedy"], {"episodeSteps": 41, "food_respawn_prob": 1})
    text = str(env.render(mode="ansi"))
    assert set("abAB") & set(text) >= {"A", "B"}


@pytest.mark.parametrize(
    ("better", "worse"), [("greedy", "random"), ("pheromone", "greedy"), ("pheromone", "random")]
)
def test_the_order_of_the_bots(better, worse):
    points = []
    for seed in range(2):
        for bots in ([better, worse], [worse, better]):
            env = played(bots, {"episodeSteps": 151}, seed)
            own, other = (env.state[bots.index(bot)].reward for bot in (better, worse))
            points.append((own > other) + (own == other) / 2)
    assert sum(points) / len(points) > 0.8

"""What agents, interpreters and the history hold is theirs alone, whatever a game puts into it."""

import asyncio
import functools
import pickle
from collections import deque
from copy import deepcopy
from typing import Any

import numpy as np
import pytest

from evaluation import environments, make
from evaluation.utils import Row, Struct, record, structify


class Counted(dict[str, Any]):
    def __index__(self) -> int:
        return 3


def odd_things() -> dict[str, Any]:
    return {
        "tuple": ([1], {"a": [2]}),
        "set": {1},
        "array": np.zeros(3),
        "arrays": [np.array(3)],
        "deque": deque([1]),
        "counted": [Counted(x=[1])],
        "nested": [[1], [2]],
    }


def spoil(held: Any) -> None:
    held["tuple"][0].append(9)
    held["set"].add(9)
    held["array"][0] = 9
    held["arrays"][0][...] = 9
    held["deque"].append(9)
    held["counted"][0]["x"].append(9)
    held["nested"][0].append(9)


def game(interpreter: Any) -> dict[str, Any]:
    specification = {"name": "odd", "agents": [2], "action": {"type": "integer", "default": 0}}
    return {**environments["connectx"], "specification": specification, "interpreter": interpreter}


def test_what_an_agent_changes_stays_with_it():
    def opening(state: list[Any], env: Any) -> list[Any]:
        if env.done:
            for seat in state:
                seat.observation.update(odd_things())
        return state

    def agent(observation: Any) -> int:
        assert repr(dict(observation)).count("9") == 0
        spoil(observation)
        return 0

    env = make(game(opening), {"episodeSteps": 4})
    before = repr(env.steps[0][1])
    env.run([agent, agent])
    assert [seat.status for seat in env.state] == ["DONE", "DONE"]
    assert repr(env.steps[0][1]) == before


def test_what_an_interpreter_keeps_changes_no_earlier_step():
    kept: list[Any] = []

    def keeping(state: list[Any], env: Any) -> list[Any]:
        for held in kept:
            spoil(held)
        kept.append(odd_things())
        state[0].observation.update(kept[-1])
        return state

    env = make(game(keeping), {"episodeSteps": 4})
    env.run([0, 0])
    assert all("9" not in repr(step[0].observation["tuple"]) for step in env.steps)


@pytest.mark.parametrize(
    "write",
    [
        lambda row: row.append([1]),
        lambda row: row.extend([[1]]),
        lambda row: row.insert(0, [1]),
        lambda row: row.__setitem__(0, [1]),
        lambda row: row.__iadd__([[1]]),
    ],
    ids=["append", "extend", "insert", "item", "in place"],
)
def test_a_row_that_was_written_to_is_copied_whole(write: Any):
    row = record([0, 0])
    assert type(row) is Row
    write(row)
    copied = structify(row)
    next(item for item in copied if item).append(2)
    assert [1] in row
    assert deepcopy(row) == row


def test_nobody_changes_the_class_of_what_he_sees():
    seen = make("connectx").observation(0)
    with pytest.raises(TypeError, match="class of a Struct"):
        type(seen).board = property(lambda self: [])
    with pytest.raises(TypeError, match="class of a Struct"):
        del Struct.__missing__


def test_an_environment_has_a_specification_of_its_own():
    make("connectx").specification.agents.append(5)
    assert make("connectx").specification.agents == [2]


def test_cancellation_is_an_error_of_its_seat():
    def agent() -> int:
        raise asyncio.CancelledError

    env = make("connectx")
    env.run([agent, "random"])
    assert [seat.status for seat in env.state] == ["ERROR", "DONE"]


def test_a_decorated_agent_gets_what_it_takes():
    def column(observation: Any) -> int:
        return observation.mark

    @functools.wraps(column)
    def decorated(*arguments: Any) -> int:
        return column(*arguments)

    env = make("connectx")
    env.run([decorated, "random"])
    assert env.steps[1][0].action == 1


def test_an_opening_state_that_json_cannot_carry_is_played():
    def opening(state: list[Any], env: Any) -> list[Any]:
        state[0].observation.place = (1, 2)
        return state

    odd = game(opening)
    odd["specification"] = {**odd["specification"], "observation": {"place": {"shared": True}}}
    assert make(odd).observation(1).place == (1, 2)


@pytest.mark.parametrize("name", ["connectx", "tictactoe", "rps", "identity"])
def test_an_environment_travels_to_another_process(name: str):
    env = make(name)
    env.step([1] * len(env.state))
    twin = pickle.loads(pickle.dumps(env))
    assert twin.toJSON() == env.toJSON()
    if not env.done:
        actions = [1] * len(env.state)
        assert twin.step(actions) == env.step(actions)


def test_settings_that_no_specification_lists_may_be_anything():
    assert make("connectx", {"shape": (3, 4)}).configuration.shape == (3, 4)


@pytest.mark.parametrize("odd", [[1], {}, ([1],), np.zeros(1), None, "x"])
def test_a_long_row_of_numbers_with_one_other_thing_is_copied_whole(odd: Any):
    row = record([0] * 20 + [odd])
    copied = structify(row)
    assert (copied[-1] is odd) == (odd is None or isinstance(odd, str))


@pytest.mark.parametrize(
    "odd",
    [float("nan"), 10**400, 3, "x", {1}, object()],
    ids=["nan", "huge", "number", "text", "set", "object"],
)
def test_what_is_no_object_stands_for_the_default_where_an_object_is_due(odd: Any):
    """As in kaggle-environments, whose Halite plays on."""

    def keeping(state: list[Any], env: Any) -> list[Any]:
        return state

    orders = game(keeping)
    action = {"type": "object", "default": {"ship": "WAIT"}}
    orders["specification"] = {**orders["specification"], "action": action}
    env = make(orders)
    env.step([odd, {}])
    assert env.state[0].status == env.state[1].status == "ACTIVE"
    assert env.state[0].action == {"ship": "WAIT"}

"""What is transient in observations: agents see it, and no record keeps it."""

from copy import deepcopy
from typing import Any

import orjson
import pytest

from evaluation import evaluate, make

EYE = {"type": "array", "transient": True, "description": "What the seat sees."}
FIELDS = {
    "eye": EYE,
    "total": {"type": "integer", "default": 0},
}
asked: list[int] = []


def look(state: list[Any]) -> list[Any]:
    for position, seat in enumerate(state):
        seat.observation.eye = [[seat.observation.total, position]]
    return state


def interpreter(state: list[Any], env: Any) -> list[Any]:
    if not env.done:
        for seat in state:
            seat.observation.total += seat.action
            seat.reward = seat.observation.total
    return look(state)


def perceive(state: list[Any], env: Any) -> list[Any]:
    asked.append(len(env.steps) - 1)
    return look(state)


def game(**exports: Any) -> dict[str, Any]:
    return {
        "specification": {
            "name": "looks",
            "agents": [2],
            "configuration": {"episodeSteps": 5},
            "observation": FIELDS,
        },
        "interpreter": interpreter,
        "renderer": lambda state, env: "",
        "html_renderer": lambda: "",
        **exports,
    }


LOOKS = game(perceive=perceive)


@pytest.fixture(autouse=True)
def nobody_has_asked() -> None:
    asked.clear()


def counting(observation: Any) -> int:
    assert observation.eye[0][0] == observation.total
    assert len(observation.eye) == 1
    observation.eye[0][0] = 99
    observation.eye.append(None)
    return 1


def test_agents_see_what_is_transient():
    env = make(LOOKS)
    env.run([counting, counting])
    assert [seat.reward for seat in env.state] == [4, 4]
    assert asked == []


def test_no_record_keeps_what_is_transient():
    env = make(LOOKS)
    env.run([counting, 1])
    states = [*env.steps, env.state, *env.toJSON()["steps"], *env.clone().steps]
    assert all("eye" not in seat["observation"] for state in states for seat in state)
    assert env.specification.observation.eye == EYE
    assert b"eye" not in orjson.dumps(env.toJSON()["steps"])


def test_an_agent_that_writes_into_what_it_sees_changes_nothing():
    env = make(LOOKS)
    env.observation(1).eye[0][0] = 99
    env.observation(1).eye.append(99)
    assert env.observation(1).eye == [[0, 1]]


def test_a_loaded_episode_goes_on_as_if_it_had_never_stopped():
    env = make(LOOKS)
    env.run([counting, counting])
    resumed = make(LOOKS, env.configuration, steps=env.toJSON()["steps"][:3])
    assert asked == []
    resumed.run([counting, counting])
    assert asked == [2]
    assert resumed.steps == env.steps
    assert evaluate(LOOKS, [counting, counting], steps=env.toJSON()["steps"][:2]) == [[4, 4]]


def test_the_game_fills_in_once_for_all_seats_of_a_state():
    env = make(LOOKS, state={"observation": {"total": 2}})
    assert env.observation(0).eye == [[2, 0]]
    assert env.observation(1).eye == [[0, 1]]
    assert asked == [0]
    assert "eye" not in env.state[0].observation


def test_a_copy_sees_what_its_original_sees_and_then_its_own():
    env = make(LOOKS)
    env.step([1, 2])
    twin = env.clone()
    twin.step([5, 5])
    assert env.observation(1).eye == [[2, 1]]
    assert twin.observation(1).eye == [[7, 1]]
    assert asked == []


def test_a_game_that_cannot_fill_in_shows_what_is_left_in_a_loaded_episode():
    env = make(game())
    env.run([counting, counting])
    resumed = make(game(), steps=env.toJSON()["steps"][:2])
    assert set(resumed.observation(0)) == {"remainingOverageTime", "step", "total"}
    resumed.step([1, 1])
    assert resumed.observation(0).eye == [[2, 0]]


def test_the_trained_seat_sees_what_is_transient():
    trainer = make(LOOKS).train([None, 1])
    assert trainer.reset().eye == [[0, 0]]
    assert trainer.step(3)[0].eye == [[3, 0]]


def test_a_state_with_transient_fields_still_fits_its_specification():
    env = make(LOOKS)
    env.step([1, 1])
    again = make(LOOKS, steps=deepcopy(env.steps))
    assert again.state == env.state

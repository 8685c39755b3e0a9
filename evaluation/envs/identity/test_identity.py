"""Identity: sums of actions, bounds, noise, and faults that leave the others in the game."""

import random
from typing import Any

import pytest

from evaluation import make
from evaluation.envs.identity import agents, starter
from evaluation.utils import Struct

BOUNDS = Struct(min=2, max=9)


def rewards(configuration: dict[str, Any], *players: Any) -> list[float | None]:
    return [seat.reward for seat in make("identity", configuration).run(list(players))[-1]]


@pytest.mark.parametrize("seats", range(1, 11))
def test_every_number_of_seats_is_played(seats: int) -> None:
    assert rewards({}, *[3] * seats) == [72] * seats


@pytest.mark.parametrize(("action", "reward"), [(3, 9), (2.5, 7.5), (0, 0), ("many", 0), (None, 0)])
def test_numbers_are_added_and_all_else_is_nothing(action: Any, reward: float) -> None:
    assert rewards({"episodeSteps": 4}, lambda: action) == [reward]


@pytest.mark.parametrize("action", [1, 10, -1, 9.5, True, [3], float("nan"), None, "3"])
def test_what_lies_outside_is_invalid(action: Any) -> None:
    env = make("identity", BOUNDS)
    env.run([lambda: action])
    assert [(seat.status, seat.reward) for seat in env.state] == [("INVALID", None)]


def test_the_others_go_on_without_a_seat_that_failed() -> None:
    env = make("identity", {"episodeSteps": 5})
    env.run([1, lambda: 1 / 0, 2000, lambda observation: 1 if observation.step < 2 else -1])
    assert [(seat.status, seat.reward) for seat in env.state] == [
        ("DONE", 4), ("ERROR", None), ("INVALID", None), ("INVALID", None),
    ]  # fmt: skip
    assert len(env.steps) == 5


def test_noise_is_drawn_for_every_reward_and_rounded_down() -> None:
    random.seed(1)
    drawn = [random.gauss(0, 1) * 2.5 // 1 for _ in range(48)]
    random.seed(1)
    assert rewards({"noise": 2.5}, 7, 7) == [168 + sum(drawn[::2]), 168 + sum(drawn[1::2])]


def test_built_in_agents() -> None:
    play = {name: agents.agents[name] for name in ("random", "max", "min", "avg")}
    assert {play["random"](Struct(), BOUNDS) for _ in range(200)} == set(range(2, 9))
    assert [play[name](Struct(), BOUNDS) for name in ("max", "min", "avg")] == [9, 2, 5]
    assert starter.agent(Struct(), BOUNDS) == 9


def test_the_timeout_agent_uses_its_bank_up() -> None:
    env = make("identity", {"actTimeout": 0, "remainingOverageTime": 0.02, "episodeSteps": 100})
    env.run(["timeout", "max"])
    assert [seat.status for seat in env.state] == ["TIMEOUT", "DONE"]
    assert len(env.steps) == 100


def test_a_summary_of_every_end() -> None:
    env = make("identity", {"episodeSteps": 3})
    env.run(["max", 4])
    assert env.summary() == {
        "cause": "The greatest sum, 2000, for seat 1",
        "winner": 0,
        "decisive_step": None,
    }
    env.run([2.25, 2.25])
    assert env.summary()["cause"] == "A sum of 4.5 after 2 actions: a draw"
    env.run([5])
    assert env.summary()["cause"] == "A sum of 10 after 2 actions"


def test_actions_and_rewards_as_text() -> None:
    env = make("identity")
    env.step([4])
    assert env.render(mode="ansi") == '[{"action": 4, "reward": 4.0}]'

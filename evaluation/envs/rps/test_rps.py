"""Rounds of rock, paper, scissors: who beats whom, ties, faults, and what the built-ins play."""

import random
from typing import Any

import pytest

from evaluation import make
from evaluation.envs.rps import agents, starter
from evaluation.envs.rps.rps import summary
from evaluation.envs.rps.rules import SCORES, SIGNS
from evaluation.utils import Struct

BEATS = {
    "Rock": {"Scissors", "Lizard"},
    "Paper": {"Rock", "Spock"},
    "Scissors": {"Paper", "Lizard"},
    "Spock": {"Scissors", "Rock"},
    "Lizard": {"Spock", "Paper"},
}
CONFIGURATION = Struct(signs=3)


def playing(*actions: Any) -> Any:
    """An agent that plays these, one a step."""
    return lambda observation: actions[observation.step]


def see(step: int, last: int | None = None) -> Struct:
    return Struct(step=step) if last is None else Struct(step=step, lastOpponentAction=last)


def test_each_sign_beats_two_and_ties_itself() -> None:
    for left, name in enumerate(SIGNS):
        wins = {SIGNS[right] for right in range(5) if SCORES[left][right] == 1}
        losses = {SIGNS[right] for right in range(5) if SCORES[left][right] == -1}
        assert wins == BEATS[name]
        assert wins | losses | {name} == set(SIGNS)
        assert SCORES[left][left] == 0


def test_a_round_is_scored_and_told_to_the_other() -> None:
    env = make("rps")
    env.step([1, 0])
    first, second = env.state
    assert (first.reward, second.reward) == (1, -1)
    assert (first.observation.lastOpponentAction, second.observation.lastOpponentAction) == (0, 1)
    assert (first.observation.reward, second.observation.reward) == (1, -1)
    assert "lastOpponentAction" not in make("rps").state[0].observation


def test_a_lead_below_the_threshold_is_a_tie() -> None:
    rounds = {"episodeSteps": 4}
    won = make("rps", {**rounds, "tieRewardThreshold": 3}).run(["paper", "rock"])[-1]
    tied = make("rps", {**rounds, "tieRewardThreshold": 4}).run(["paper", "rock"])[-1]
    assert [seat.reward for seat in won] == [3, -3]
    assert [seat.reward for seat in tied] == [0, 0]
    assert tied[0].observation.reward == 3


@pytest.mark.parametrize("action", [3, -1, 10**6, 0.3, 1.0, "0", [0], True])
def test_what_is_no_sign_loses_at_once(action: Any) -> None:
    env = make("rps")
    env.run(["rock", lambda: action])
    assert len(env.steps) == 2
    assert [(seat.status, seat.reward) for seat in env.state] == [("DONE", 1), ("INVALID", None)]
    assert "seat 2" in env.summary()["cause"].lower()


def test_two_faults_lose_both() -> None:
    env = make("rps")
    env.run([lambda: 7, lambda: 1 / 0])
    assert [(seat.status, seat.reward) for seat in env.state] == [("INVALID", None)] * 2


def test_the_number_of_signs_is_the_configured_one() -> None:
    assert make("rps", {"signs": 5, "episodeSteps": 2}).run([3, 4])[-1][1].status == "DONE"
    assert make("rps", {"signs": 4}).run([3, 4])[-1][1].status == "INVALID"


def test_rounds_as_text() -> None:
    env = make("rps", {"episodeSteps": 3, "tieRewardThreshold": 1})
    assert env.render(mode="ansi") == "After round 0, score: 0 to 0\n"
    env.run(["paper", "rock"])
    assert env.render(mode="ansi") == (
        "Round 1: Paper vs Rock, Score: 1.0 to -1.0\n"
        "Round 2: Paper vs Rock, Score: 2.0 to -2.0\n"
        "Game ended on round 2, final score: 2.0 to -2.0\n"
    )
    env.run(["paper", 9])
    assert env.render(mode="ansi").startswith("Round 1: Paper vs no sign, Score: 1 to None\n")


def test_reacting_agents() -> None:
    assert agents.copy_opponent(see(1, 2), CONFIGURATION) == 2
    assert agents.reactionary(see(1, 2), CONFIGURATION) == 0
    assert agents.copy_opponent(see(0), CONFIGURATION) in range(3)
    assert agents.reactionary(see(0), CONFIGURATION) in range(3)


def test_counter_reactionary_foresees_a_reaction_after_a_win() -> None:
    first = agents.counter_reactionary(see(0), CONFIGURATION)
    beaten = (first + 2) % 3
    second = agents.counter_reactionary(see(1, beaten), CONFIGURATION)
    assert second == (first + 2) % 3
    winner = (second + 1) % 3
    assert agents.counter_reactionary(see(2, winner), CONFIGURATION) == (winner + 1) % 3


def test_statistical_beats_the_most_frequent_sign() -> None:
    seen = [None, 0, 2, 2, 0, 0]
    played = [agents.statistical(see(step, last), CONFIGURATION) for step, last in enumerate(seen)]
    assert played == [None, 1, 1, 0, 1, 1]
    assert agents.statistical(see(0), CONFIGURATION) is None
    assert agents.statistical(see(1, 1), CONFIGURATION) == 2


def test_two_of_a_kind_share_their_notes() -> None:
    """Else they would play the same signs for ever. Rewards as in kaggle-environments 1.33.2."""
    env = make("rps")
    assert [seat.reward for seat in env.run(["statistical", "statistical"])[-1]] == [-199, 199]


@pytest.mark.parametrize("name", ["rock", "copy_opponent", "reactionary", "statistical"])
def test_starter_learns_what_its_opponent_does(name: str) -> None:
    random.seed(1)
    assert make("rps").run([starter.agent, name])[-1][0].reward > 500


def test_the_summary_says_when_it_was_decided() -> None:
    configuration = {"episodeSteps": 11, "tieRewardThreshold": 2}
    env = make("rps", configuration)
    env.run([playing(*[1] * 6, *[0] * 4), "rock"])
    assert env.summary() == {
        "cause": "Seat 1 won 6 rounds more than seat 2",
        "winner": 0,
        "decisive_step": 6,
    }
    env.run([playing(*[1] * 5, *[2] * 3, *[1] * 2), "rock"])
    assert env.summary()["decisive_step"] == 9
    env.run([playing(*[1] * 5, *[2] * 5), "rock"])
    assert summary(env.steps, configuration) == {
        "cause": "Neither seat won 2 rounds more than the other: a tie",
        "winner": None,
        "decisive_step": None,
    }

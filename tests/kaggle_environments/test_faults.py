"""Agents that misbehave: kaggle-environments and we give every seat the same."""

import time
from copy import deepcopy

import pytest

import evaluation
from tests.kaggle_environments import misbehaving
from tests.kaggle_environments.parity import both, difference, episode, kaggle, plain, record, same
from tests.kaggle_environments.test_games import require

SLEEP_S = 0.3
# name: seats, the agent to play well, configuration
GAMES = {
    "connectx": (2, "random", {}),
    "rps": (2, "paper", {"episodeSteps": 10}),
    "halite": (4, "random", {"episodeSteps": 12, "randomSeed": 3}),
    "hungry_geese": (4, "random", {}),
    "kaggriculture": (2, "starter", {"episodeSteps": 12, "seed": 3}),
    "kore_fleets": (2, "random", {"episodeSteps": 12, "randomSeed": 3}),
    "open_spiel_chess": (2, "random", {"includeLegalActions": True}),
    "open_spiel_goofspiel": (2, "random", {"includeLegalActions": True}),
    "orbit_wars": (2, "random", {"episodeSteps": 12, "seed": 2}),
    "planet_wars": (2, "random", {"episodeSteps": 12}),
    "reinforce_tactics": (2, "random", {"episodeSteps": 12}),
    "word_association": (4, "random", {}),
}
RULES_RAISE = {("orbit_wars", "list")}


def with_last(name: str, wrap) -> tuple[str, object, dict]:
    """The episode whose last seat plays as `wrap` makes the good agent."""
    require(name)
    seats, agent, configuration = GAMES[name]
    good = evaluation.make(name).agents[agent]
    return name, lambda: [agent] * (seats - 1) + [wrap(good)], configuration


@pytest.mark.parametrize("kind", misbehaving.ANSWERS)
@pytest.mark.parametrize("name", GAMES)
def test_a_wrong_answer_costs_the_same(name, kind):
    play = episode(*with_last(name, lambda good: misbehaving.wrong(kind, good)))
    if (name, kind) in RULES_RAISE:
        for make in (evaluation.make, kaggle.make):
            with pytest.raises(TypeError, match="has no len"):
                play(make)
    else:
        same(play)


@pytest.mark.parametrize("wrap", [misbehaving.meddling, misbehaving.talking])
@pytest.mark.parametrize("name", GAMES)
def test_what_an_agent_does_to_its_observation_and_prints_changes_nothing(name, wrap):
    meddled = same(episode(*with_last(name, wrap)))
    good = same(episode(*with_last(name, lambda good: good)))
    assert difference(plain(meddled), plain(good)) is None


def test_logs_are_cut_at_the_same_length():
    name, agents, configuration = with_last("rps", misbehaving.talking)

    def play(make):
        env = make(name, {**configuration, "maxLogLength": 100})
        env.run(agents())
        return [[log.get("stdout") for log in step] for step in env.logs[-5:]]

    assert len(same(play)[0][1]) == 100


def clocked(action_s: float, bank_s: float) -> dict:
    """connectx of kaggle-environments with these clocks."""
    module = kaggle.environments["connectx"]
    specification = deepcopy(module["specification"])
    specification["configuration"]["actTimeout"] = action_s
    specification["observation"]["remainingOverageTime"] = bank_s
    return {**module, "specification": specification}


def sleeper(observation):
    time.sleep(SLEEP_S)
    return 0


def test_time_over_a_move_is_taken_from_the_bank():
    def play(make):
        env = make(clocked(SLEEP_S / 3, 100))
        env.run([sleeper, lambda: 1])
        return [seat.observation.remainingOverageTime for seat in env.state], record(env)

    (ours, our_record), (theirs, their_record) = both(play)
    assert ours == pytest.approx(theirs, abs=0.1)
    assert ours[0] < 100 - 3 * SLEEP_S / 2
    assert ours[1] == 100
    assert difference(plain(our_record), plain(their_record)) is None


def test_an_empty_bank_is_a_timeout():
    ended = same(episode(clocked(SLEEP_S / 3, SLEEP_S / 3), lambda: [sleeper, lambda: 1]))
    assert ended["statuses"] == ["TIMEOUT", "DONE"]
    assert len(ended["steps"]) == 2


def test_an_episode_over_its_limit_raises_in_both_engines():
    for make, error in (
        (evaluation.make, evaluation.errors.DeadlineExceeded),
        (kaggle.make, kaggle.errors.DeadlineExceeded),
    ):
        env = make("rps", {"runTimeout": SLEEP_S / 2, "episodeSteps": 50})
        with pytest.raises(error):
            env.run([sleeper, "paper"])

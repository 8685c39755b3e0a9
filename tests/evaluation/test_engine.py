"""Making, stepping and running episodes; expected states are those of kaggle-environments."""

import random
from typing import Any

import pytest

import evaluation
from evaluation import errors, evaluate, make

EMPTY = [0] * 42
TTT_EMPTY = [0] * 9


def seat(action: Any, reward: Any, status: str, **observation: Any) -> dict[str, Any]:
    return {
        "action": action,
        "reward": reward,
        "info": {},
        "observation": observation,
        "status": status,
    }


def test_connectx_opens_with_an_empty_board_in_seat_0_only():
    assert make("connectx").reset() == [
        seat(0, 0, "ACTIVE", remainingOverageTime=60, step=0, board=EMPTY, mark=1),
        seat(0, 0, "INACTIVE", remainingOverageTime=60, mark=2),
    ]


def test_tictactoe_opens_with_its_default_board():
    assert make("tictactoe").reset() == [
        seat(0, 0, "ACTIVE", remainingOverageTime=2, step=0, board=TTT_EMPTY, mark=1),
        seat(0, 0, "INACTIVE", remainingOverageTime=2, mark=2),
    ]


def test_a_move_swaps_the_seats_and_null_becomes_the_default_action():
    env = make("connectx", {"rows": 4, "columns": 5, "inarow": 3})
    board = [0] * 17 + [1, 0, 0]
    assert env.step([2, None]) == [
        seat(2, 0, "INACTIVE", remainingOverageTime=60, step=1, board=board, mark=1),
        seat(0, 0, "ACTIVE", remainingOverageTime=60, mark=2),
    ]


def test_a_null_from_the_seat_to_move_plays_the_default_action():
    env = make("tictactoe")
    env.step([None, None])
    assert env.state[0].observation.board == [1, *TTT_EMPTY[1:]]


def test_run_returns_every_step():
    env = make("connectx", {"rows": 4, "columns": 5, "inarow": 3})
    steps = env.run([lambda: 1, lambda: 2])
    board = [0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 2, 0, 0, 0, 1, 2, 0, 0]
    assert len(steps) == 6
    assert [step[0].observation.step for step in steps] == [0, 1, 2, 3, 4, 5]
    assert steps[-1] == [
        seat(1, 1, "DONE", remainingOverageTime=60, step=5, board=board, mark=1),
        seat(0, -1, "DONE", remainingOverageTime=60, mark=2),
    ]
    assert env.done


def test_configuration_has_the_defaults_of_the_engine_and_of_the_game():
    assert make("connectx", {"rows": 4}).configuration == {
        "rows": 4,
        "episodeSteps": 1000,
        "actTimeout": 2,
        "runTimeout": 1200,
        "columns": 7,
        "inarow": 4,
        "agentTimeout": 60,
        "timeout": 2,
    }
    assert make("tictactoe").configuration == {
        "episodeSteps": 10,
        "actTimeout": 1,
        "runTimeout": 1200,
        "agentTimeout": 2,
    }


@pytest.mark.parametrize(
    ("configuration", "words"),
    [
        ({"rows": 0}, "rows: 0 is less than the minimum of 1"),
        ({"columns": "seven"}, "columns: 'seven' is not of type 'integer'"),
        ({"actTimeout": -1}, "actTimeout: -1 is less than the minimum of 0"),
        ({"episodeSteps": 1.5}, "episodeSteps: 1.5 is not of type 'integer'"),
    ],
)
def test_wrong_configuration_is_refused_in_one_sentence(configuration, words):
    with pytest.raises(errors.InvalidArgument, match=words) as caught:
        make("connectx", configuration)
    assert caught.value.message.count("\n") == 0


def test_unknown_configuration_keys_are_kept():
    assert make("connectx", {"theme": "sea"}).configuration.theme == "sea"


@pytest.mark.parametrize("environment", ["no_such_game", "../league", 3, {"renderer": print}])
def test_unknown_environment_is_refused(environment):
    with pytest.raises(errors.InvalidArgument):
        make(environment)


def test_the_step_limit_ends_the_episode_without_a_winner():
    env = make("connectx", {"episodeSteps": 4})
    env.run([lambda: 0, lambda: 1])
    assert len(env.steps) == 4
    assert [(s.status, s.reward) for s in env.state] == [("DONE", 0), ("DONE", 0)]


def test_stepping_past_the_end_is_refused():
    env = make("tictactoe")
    env.run(["random", "random"])
    with pytest.raises(errors.FailedPrecondition):
        env.step([0, 0])


def test_the_number_of_actions_and_agents_must_fit():
    env = make("tictactoe")
    with pytest.raises(errors.InvalidArgument):
        env.step([0])
    with pytest.raises(errors.InvalidArgument):
        env.run(["random"])
    with pytest.raises(errors.InvalidArgument):
        env.reset(3)


def test_evaluate_gives_the_rewards_of_each_episode():
    rewards = evaluate("tictactoe", ["negamax", "negamax"], num_episodes=3)
    assert rewards == [[0, 0]] * 3


def test_run_starts_a_finished_environment_anew():
    env = make("tictactoe")
    env.run(["random", "random"])
    first = env.steps
    env.run(["random", "random"])
    assert env.steps is not first
    assert len(env.logs) == len(env.steps)


def test_run_goes_on_from_the_middle_of_an_episode():
    env = make("tictactoe")
    env.step([0, None])
    env.step([None, 4])
    env.run(["negamax", "negamax"])
    assert [step[0].observation.board[0] for step in env.steps[1:]] == [1] * (len(env.steps) - 1)


def test_an_episode_resumes_after_given_steps():
    env = make("connectx")
    for number in range(5):
        env.step([number, number])
    again = make("connectx", steps=env.toJSON()["steps"])
    assert again.steps == env.steps
    assert again.step([0, 0]) == env.step([0, 0])
    assert again.state[0].observation.step == 6


def test_an_episode_starts_from_a_given_state():
    board = [2, 1, 0, 1, 1, 0, 2, 0, 2]
    env = make("tictactoe", state={"observation": {"board": board}})
    env.step([7, None])
    assert [s.reward for s in env.state] == [1, -1]
    assert env.state[0].observation.board == [2, 1, 0, 1, 1, 0, 2, 1, 2]


def test_a_state_that_breaks_its_schema_is_refused():
    with pytest.raises(errors.InvalidArgument, match="board"):
        make("tictactoe", state={"observation": {"board": [0, 0]}})


def test_a_finished_episode_with_a_timeout_loads_again():
    env = make("connectx", {"actTimeout": 0.001, "remainingOverageTime": 0})
    env.step([errors.DeadlineExceeded(), None], [{"duration": 0.5}, {}])
    again = make("connectx", steps=env.toJSON()["steps"])
    assert again.state == env.state
    assert again.state[0].reward is None
    assert again.state[0].observation.remainingOverageTime < 0


def test_episodes_of_seeded_built_in_agents_repeat():
    def play() -> Any:
        random.seed(11)
        env = make("connectx")
        return env.run(["random", "negamax"])

    assert play() == play()


def test_render_modes(capsys):
    env = make("tictactoe", state={"observation": {"board": [0, 1, 0, 2, 1, 2, 0, 0, 2]}})
    drawn = "   | X |   \n---+---+---\n O | X | O \n---+---+---\n   |   | O "
    assert env.render(mode="ansi") == drawn
    assert env.render() is None
    assert capsys.readouterr().out == drawn + "\n"
    assert '"name": "tictactoe"' in env.render(mode="json")
    with pytest.raises(errors.InvalidArgument):
        env.render(mode="oil")


def test_html_is_a_page_of_the_episode():
    env = make("connectx")
    env.run(["random", "random"])
    page = env.render(mode="html")
    assert page.startswith("<!doctype html>")
    assert len(page) < 30_000


def test_to_json_is_what_kaggle_environments_loads():
    env = make("connectx", {"seed": 3}, info={"EpisodeId": 8})
    env.run(["random", "random"])
    replay = env.toJSON()
    assert replay.keys() >= {
        "id", "name", "title", "description", "version", "configuration", "specification",
        "steps", "rewards", "statuses", "schema_version", "info", "logs",
    }  # fmt: skip
    assert replay["name"] == "connectx"
    assert replay["version"] == env.version == "1.0.1"
    assert replay["specification"]["reward"]["type"] == ["number", "null"]
    assert replay["specification"].keys() == {
        "action", "agents", "configuration", "info", "observation", "reward",
    }  # fmt: skip
    assert replay["statuses"] == ["DONE", "DONE"]
    assert replay["info"] == {"EpisodeId": 8, "seed": 3}


def test_to_json_is_a_copy():
    env = make("tictactoe")
    env.toJSON()["steps"][0][0]["observation"]["board"][0] = 9
    assert env.state[0].observation.board == TTT_EMPTY


def test_summary_names_cause_winner_and_decisive_step():
    env = make("connectx")
    env.run([lambda: 0, lambda: 1])
    assert env.summary() == {
        "cause": "Four in a row for seat 1",
        "winner": 0,
        "decisive_step": 7,
        "cells": [14, 21, 28, 35],
    }


@pytest.mark.parametrize("name", ["connectx", "tictactoe"])
def test_names_and_agents_of_the_environment(name):
    env = make(name)
    assert env.name == name
    assert env.agents.random is env.agents["random"]
    assert {"random", "tactical", "negamax"} <= set(env.agents)
    assert name in evaluation.environments
    assert list(evaluation.environments) == sorted(evaluation.environments)

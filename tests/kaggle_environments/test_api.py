"""Resume, clone, train, debug and step by hand do what they do in kaggle-environments."""

import random

import pytest

import evaluation
from tests.kaggle_environments.parity import ENGINES, episode, kaggle, record, same

NAMES = ["connectx", "hungry_geese", "halite"]
CONFIGURATION = {"connectx": {}, "hungry_geese": {}, "halite": {"episodeSteps": 12}}
RESUMED = ["connectx", "halite", "orbit_wars", "planet_wars"]


@pytest.mark.parametrize("name", RESUMED)
def test_an_episode_resumes_from_its_steps(name):
    def play(make):
        configuration = {"episodeSteps": 12, "seed": 1}
        first = make(name, dict(configuration))
        first.run(["random", "random"])
        again = make(name, dict(configuration), info=dict(first.info), steps=first.steps[:4])
        assert len(again.steps) == 4
        random.seed(9)
        again.run(["random", "random"])
        return record(again)

    assert len(same(play)["steps"]) > 4


def test_an_episode_starts_from_a_state():
    state = {
        "observation": {"board": [0] * 35 + [1, 1, 1, 0, 2, 2, 0], "step": 6, "mark": 1},
        "status": "ACTIVE",
        "reward": 0,
    }

    def play(make):
        env = make("connectx", state=state)
        opened = record(env)
        env.step([3, None])
        return opened, record(env), [seat.status for seat in env.state]

    same(play)


@pytest.mark.parametrize("name", NAMES)
def test_a_clone_goes_on_by_itself(name):
    def play(make):
        env = make(name, dict(CONFIGURATION[name]))
        env.reset(2)
        action = env.specification.action.default
        env.step([action, action])
        twin = env.clone()
        before = record(env)
        if not twin.done:
            twin.step([action, action])
        return before, record(env), record(twin)["steps"]

    same(play)


@pytest.mark.parametrize("position", [0, 1])
@pytest.mark.parametrize("name", NAMES)
def test_a_seat_is_trained_step_by_step(name, position):
    def play(make):
        env = make(name, dict(CONFIGURATION[name]))
        agents = ["random", "random"]
        agents[position] = None
        trainer = env.train(agents)
        seen = [trainer.reset()]
        done = False
        while not done:
            observation, reward, done, info = trainer.step(env.specification.action.default)
            seen.append([observation, reward, done, info])
        return seen, record(env)["steps"]

    assert len(same(play)[0]) > 2


def test_a_trained_seat_that_is_invalid_has_no_reward():
    def play(make):
        trainer = make("connectx").train([None, "random"])
        trainer.reset()
        return trainer.step("nonsense")

    assert same(play)[1:3] == [None, True]


def test_steps_by_hand_take_what_agents_may_answer():
    def play(make):
        env = make("connectx")
        for actions in ([1, None], [None, 2], [ValueError("no"), None]):
            env.step(actions)
        return record(env)

    assert same(play)["statuses"] == ["ERROR", "DONE"]


@pytest.mark.parametrize("name", ENGINES)
def test_in_debug_mode_prints_and_exceptions_pass_through(name, capsys):
    def talks(observation):
        print("thinking")
        return observation.step % 7

    def fails():
        raise ZeroDivisionError("for a debugger")

    env = ENGINES[name]("connectx", debug=True)
    with pytest.raises(ZeroDivisionError):
        env.run([talks, fails])
    assert "thinking" in capsys.readouterr().out


@pytest.mark.parametrize("name", ENGINES)
def test_in_debug_mode_an_invalid_action_is_printed(name, capsys):
    env = ENGINES[name]("connectx", debug=True)
    env.run([lambda: "nonsense", "random"])
    assert "nonsense" in capsys.readouterr().out
    assert env.state[0].status == "INVALID"


def test_debug_mode_changes_no_episode():
    def play(make):
        env = make("halite", {"episodeSteps": 10}, debug=True)
        env.run(["random", "random"])
        return record(env)

    assert same(play) is not None


def test_evaluate_gives_the_rewards_of_each_episode():
    def play(make):
        engine = evaluation if make is evaluation.make else kaggle
        return engine.evaluate("connectx", ["random", "random"], num_episodes=4)

    assert len(same(play)) == 4


def test_an_agent_is_an_action_a_source_or_a_file(tmp_path):
    path = tmp_path / "main.py"
    path.write_text("import math\n\ndef act(observation):\n    return int(math.sqrt(4))\n")
    source = "def agent(observation, configuration):\n    return observation.step % 3"
    for agents in (
        [1, 2],
        [source, "paper"],
        [str(path), source],
        [lambda: 0, lambda o: o.step % 3],
    ):
        same(episode("rps", lambda agents=agents: list(agents), {"episodeSteps": 6}))


def test_agents_of_a_package_play_in_our_engine():
    """What an agent imports of kaggle-environments is that package, and it takes our structs."""
    source = """
from kaggle_environments.envs.halite.helpers import Board, ShipAction
from kaggle_environments.utils import get, structify

def agent(observation, configuration):
    board = Board(observation, configuration)
    for ship in board.current_player.ships:
        ship.next_action = ShipAction.NORTH
    assert get(structify(observation), list, path=["players"])
    return board.current_player.next_actions
"""
    ended = same(episode("halite", lambda: [source, "random"], {"episodeSteps": 8}))
    assert ended["statuses"] == ["DONE", "DONE"]

"""Games as Gymnasium environments: the library's own checker, spaces, seeds, ends, faults."""

import random
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest

gymnasium = pytest.importorskip("gymnasium")

import numpy as np  # noqa: E402
from gymnasium import spaces  # noqa: E402
from gymnasium.utils.env_checker import check_env  # noqa: E402

from evaluation import make  # noqa: E402
from evaluation.errors import FailedPrecondition, InvalidArgument, NotFound  # noqa: E402
from evaluation.gymnasium_env import SeatEnv  # noqa: E402

PROJECT = Path(__file__).parents[2]
COLUMNS = spaces.Discrete(7)


def first_column(observation: Any, configuration: Any) -> int:
    return observation.board.index(0) % configuration.columns


def breaks() -> None:
    raise RuntimeError


def counter(**extra: Any) -> dict[str, Any]:
    """A game of one seat that ends at 3, or by a fault; it draws a number and keeps a secret."""

    def interpreter(state: Any, env: Any) -> Any:
        seat = state[0]
        if not env.done:
            seat.reward += seat.action
            seat.observation.drawn = random.random()
        if seat.reward >= 3:
            seat.status = "DONE"
        return state

    specification = {
        "name": "counter",
        "agents": [1],
        "configuration": {"episodeSteps": 5, "seed": {"type": ["integer", "null"]}},
        "observation": {"secret": {"type": "integer", "hidden": True, "default": 1}},
        "action": {"type": "integer", "minimum": 0, "maximum": 9},
    }
    module = {"specification": specification, "interpreter": interpreter}
    drawing = {"renderer": lambda state: str(state[0].reward), "html_renderer": lambda: ""}
    return {**module, **drawing, **extra}


@pytest.mark.parametrize(
    "options",
    [
        {"environment": "connectx"},
        {"environment": "connectx", "agents": ["random", None], "action_space": COLUMNS},
        {"environment": "tictactoe"},
        {"environment": "tictactoe", "agents": ["reaction", None]},
        {"environment": "rps"},
        {"environment": "rps", "agents": ["statistical", None], "configuration": {"signs": 5}},
        {"environment": "foraging", "configuration": {"episodeSteps": 41}},
        {"environment": "identity"},
        {"environment": "identity", "agents": ["random", None, "max"]},
    ],
    ids=str,
)
def test_the_checker_of_gymnasium_finds_nothing(options: dict[str, Any], capfd: Any) -> None:
    env = gymnasium.make("palaestra/Seat-v0", **options)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        check_env(env.unwrapped)
    unusual = ("infinity", "normalized space")  # of spaces that the games leave open
    assert [w for w in caught if not any(word in str(w.message) for word in unusual)] == []


@pytest.mark.parametrize("game", ["tictactoe", "rps", "identity"])
def test_whole_episodes_stay_within_the_spaces(game: str) -> None:
    env = SeatEnv(game, configuration={"episodeSteps": 20})
    env.action_space.seed(1)
    for seed in range(5):
        observation, _ = env.reset(seed=seed)
        ended = False
        while not ended:
            assert observation in env.observation_space
            observation, _, terminated, truncated, _ = env.step(env.action_space.sample())
            ended = terminated or truncated
        assert observation in env.observation_space


def test_spaces_of_connectx_follow_its_configuration() -> None:
    env = SeatEnv("connectx", configuration={"rows": 3, "columns": 5}, action_space=COLUMNS)
    board = env.observation_space["board"]
    assert (board.shape, board.low.min(), board.high.max()) == ((15,), 0, 2)
    assert env.observation_space["mark"] == spaces.Discrete(2, start=1)
    observation, _ = env.reset(seed=1)
    assert observation["board"].tolist() == [0] * 15
    assert env.step(4)[0]["board"][14] == 1


def test_what_is_not_there_yet_is_one_below_the_least() -> None:
    env = SeatEnv("rps", ["scissors", None])
    assert env.observation_space["lastOpponentAction"] == spaces.Discrete(6, start=-1)
    assert env.reset(seed=1)[0]["lastOpponentAction"] == -1
    assert env.step(np.int64(0))[0]["lastOpponentAction"] == 2


def test_a_seed_repeats_the_episode_and_those_after_it() -> None:
    def two_episodes(env: SeatEnv, seed: int) -> list[Any]:
        boards = [env.reset(seed=seed)[0]["board"]]
        boards.append(env.step(boards[0].tolist().index(0))[0]["board"])
        boards.append(env.reset()[0]["board"])
        return [board.tolist() for board in boards]

    env = SeatEnv("tictactoe", ["random", None])
    played = [two_episodes(env, seed) for seed in (1, 1, 2, 3)]
    assert played[0] == played[1] == two_episodes(SeatEnv("tictactoe", ["random", None]), 1)
    assert len({str(boards) for boards in played}) == 3


def test_a_seeded_episode_is_the_trainers() -> None:
    env = SeatEnv("connectx", [None, "random"], action_space=COLUMNS)
    env.reset(seed=5)
    random.seed(5)
    trainer = make("connectx").train([None, "random"])
    random.seed(5)
    trainer.reset()
    board = trainer.step(3)[0].board
    random.seed(5)
    env.reset(seed=5)
    assert env.step(3)[0]["board"].tolist() == board


def test_the_game_gets_the_seed_for_its_own_chance() -> None:
    env = SeatEnv(counter())
    env.reset(seed=12)
    assert env.environment.info["seed"] == env.environment.configuration["seed"] == 12
    env.reset()
    then = env.environment.info["seed"]
    env.reset(seed=12)
    env.reset()
    assert env.environment.info["seed"] == then != 12


def test_rules_terminate_and_episode_steps_truncate() -> None:
    env = SeatEnv(counter())
    env.reset(seed=1)
    assert env.step(1)[1:4] == (1, False, False)
    assert env.step(2)[1:4] == (2, True, False)
    env.reset()
    assert [env.step(0)[2:4] for _ in range(4)] == [(False, False)] * 3 + [(False, True)]
    env.reset()
    ends = [env.step(action)[2:4] for action in (0, 0, 0, 3)]
    assert ends[-1] == (True, False)  # both at once: the rules decide


def test_rewards_add_up_to_the_result() -> None:
    env = SeatEnv("rps", [None, "rock"], {"episodeSteps": 6, "tieRewardThreshold": 3})
    env.reset(seed=1)
    assert [env.step(action)[1] for action in (1, 1, 2, 1, 1)] == [1, 1, -1, 1, 1]
    env = SeatEnv("rps", [None, "rock"], {"episodeSteps": 6, "tieRewardThreshold": 5})
    env.reset(seed=1)
    assert sum(env.step(action)[1] for action in (1, 1, 2, 1, 1)) == 0


def test_a_fault_of_the_seat_costs_what_was_said_and_is_named() -> None:
    env = SeatEnv("tictactoe", [None, "random"], fault_reward=-5)
    env.reset(seed=1)
    env.step(0)
    _, reward, terminated, truncated, info = env.step(0)
    assert (reward, terminated, truncated) == (-5, True, False)
    assert info == {"status": "INVALID", "fault": "Cell 0 cannot be marked."}
    with pytest.raises(FailedPrecondition):
        env.step(1)


def test_a_fault_of_an_opponent_ends_the_episode() -> None:
    env = SeatEnv("connectx", [None, breaks], action_space=COLUMNS)
    env.reset(seed=1)
    assert env.step(3)[1:4] == (0, True, False)
    first = SeatEnv("connectx", [breaks, None], action_space=COLUMNS)
    _, info = first.reset(seed=1)
    assert info["status"] == "DONE"
    assert first.step(3)[1:4] == (0, True, False)


def test_a_game_may_narrow_its_actions_to_its_configuration() -> None:
    def schema(configuration: Any) -> dict[str, Any]:
        return {"type": "integer", "minimum": 0, "maximum": configuration.episodeSteps}

    assert SeatEnv(counter()).action_space == spaces.Discrete(10)
    narrowed = SeatEnv(counter(action_schema=schema), configuration={"episodeSteps": 2})
    assert narrowed.action_space == spaces.Discrete(3)


def test_spaces_of_the_users_own() -> None:
    env = SeatEnv(
        "connectx",
        [None, first_column],
        action_space=spaces.Box(-1, 1, (1,)),
        decode=lambda element: round(3 + 3 * float(element[0])),
        observation_space=spaces.Box(-1, 1, (6, 7)),
        encode=lambda seen: np.array(
            [{0: 0, seen.mark: 1}.get(cell, -1) for cell in seen.board], np.float32
        ).reshape(6, 7),
    )
    env.reset(seed=1)
    observation = env.step(np.array([0.34]))[0]
    assert observation in env.observation_space
    assert (observation[5, 4], observation[5, 0]) == (1, -1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check_env(env)


def test_elements_of_a_given_space_become_plain_values() -> None:
    env = SeatEnv("identity", action_space=spaces.Box(0, 1000, (1,), np.float64))
    env.reset(seed=1)
    assert env.step(np.array([2.5]))[1] == 2.5
    assert type(env.environment.state[0].action) is float


def test_modes_of_drawing(capfd: Any) -> None:
    text = SeatEnv("tictactoe", [None, "random"], render_mode="ansi")
    text.reset(seed=1)
    assert text.render().count("|") == 6
    page = SeatEnv("tictactoe", [None, "random"], render_mode="html")
    page.reset(seed=1)
    assert page.render().startswith("<!doctype html>")
    assert capfd.readouterr().out == ""
    shown = SeatEnv("tictactoe", [None, "random"], render_mode="human")
    shown.reset(seed=1)
    shown.step(4)
    assert capfd.readouterr().out.count("---+---+---") == 4
    assert shown.render() is None
    assert SeatEnv("tictactoe").render() is None


def test_environments_in_a_vector() -> None:
    vector = gymnasium.vector.SyncVectorEnv([lambda: SeatEnv("tictactoe")] * 3)
    seen, _ = vector.reset(seed=3)
    assert seen["board"].shape == (3, 9)
    _, rewards, *_ = vector.step(np.array([0, 4, 8]))
    assert rewards.shape == (3,)


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(InvalidArgument, match="render mode"):
        SeatEnv("tictactoe", render_mode="film")
    with pytest.raises(InvalidArgument, match="None"):
        SeatEnv("tictactoe", ["random", "random"])
    with pytest.raises(NotFound):
        SeatEnv("tictactoe", [None, "nobody"])


def test_without_gymnasium_one_sentence_says_what_to_install() -> None:
    code = "import sys; sys.modules['gymnasium'] = None; import evaluation.gymnasium_env"
    ran = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True)
    assert "`pip install gymnasium`" in ran.stderr.splitlines()[-1]

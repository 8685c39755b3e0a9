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
from evaluation.gymnasium_env import SeatEnv, derive  # noqa: E402

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


@pytest.mark.parametrize(
    ("schema", "example", "space", "value", "element"),
    [
        ({"enum": ["a", "b"]}, "b", spaces.Discrete(2), "b", 1),
        ({"enum": [1, 3]}, None, spaces.Discrete(3, start=-1), 3, 1),
        ({"enum": [None, 4, 5]}, 4, spaces.Discrete(3, start=3), None, 3),
        ({"type": "boolean"}, True, spaces.Discrete(2), True, 1),
        ({"type": ["integer", "null"], "minimum": 2, "maximum": 5}, 2,
         spaces.Discrete(5, start=1), None, 1),
        ({"type": "integer", "minimum": 0}, 7, spaces.Box(0, np.inf, (1,), np.int64), 7, [7]),
        ({"type": "number", "maximum": 2.5}, 1, spaces.Box(-np.inf, 2.5, (1,), np.float64),
         2, [2.0]),
        ({}, 3, spaces.Box(-np.inf, np.inf, (1,), np.int64), 4, [4]),
        ({"type": "array", "items": {"type": "array", "items": {"enum": [0, 1]}}},
         [[0, 1, 1], [1, 0, 0]], spaces.Box(0, 1, (2, 3), np.int64),
         [[1, 1, 1], [0, 0, 0]], [[1, 1, 1], [0, 0, 0]]),
        ({"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}, [],
         spaces.Box(-np.inf, np.inf, (2,), np.float64), [1, 2.5], [1, 2.5]),
        ({"type": "array", "items": {"enum": ["x", "y"]}}, ["x"],
         spaces.Sequence(spaces.Discrete(2)), ["y", "x", "x"], (1, 0, 0)),
        ({"type": "string", "maxLength": 4}, "", spaces.Text(4, min_length=0), "abc", "abc"),
        ({"type": "object", "properties": {"on": {"type": "boolean"}}}, {"on": True, "at": 2},
         spaces.Dict({"on": spaces.Discrete(2), "at": spaces.Box(-np.inf, np.inf, (1,), np.int64)}),
         {"on": False, "at": 5}, {"on": 0, "at": [5]}),
    ],
)  # fmt: skip
def test_spaces_of_schemas(schema: Any, example: Any, space: Any, value: Any, element: Any) -> None:
    codec = derive(schema, example)
    if isinstance(space, spaces.Text):
        assert (codec.space.min_length, codec.space.max_length) == (0, 4)
    else:
        assert codec.space == space
    encoded = codec.encode(value)
    assert encoded in codec.space
    assert codec.decode(encoded) == value
    np.testing.assert_equal(encoded, element)


@pytest.mark.parametrize("schema", [{}, {"type": "array"}, {"default": None}])
def test_what_a_schema_leaves_open_is_asked_for(schema: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument, match="give one"):
        derive(schema, path="action")


def test_a_list_that_changes_its_size_is_refused_with_the_remedy() -> None:
    codec = derive({"type": "array"}, [1, 2], "observation.snake")
    with pytest.raises(InvalidArgument, match=r"observation\.snake varies: give an observation_"):
        codec.encode([1, 2, 3])


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

"""Games in JAX are found by name, and are as good as their configuration."""

import pytest

import evaluation
from training import envs


@pytest.mark.parametrize("name", ["connectx", "tictactoe"])
def test_the_rules_have_the_version_and_the_defaults_of_the_engine(name):
    env, engine = envs.load(name, {}), evaluation.make(name)
    assert (env.name, env.version) == (name, engine.version)
    numbers = {key: engine.configuration.get(key, 3) for key in ("rows", "columns", "inarow")}
    assert env.configuration == numbers
    assert env.shape == (numbers["rows"], numbers["columns"])
    assert env.max_moves == numbers["rows"] * numbers["columns"]


def test_a_board_of_its_own_size():
    env = envs.load("connectx", {"rows": 4, "columns": 5})
    assert env.configuration == {"rows": 4, "columns": 5, "inarow": 4}
    assert (env.num_actions, env.max_moves, env.shape) == (5, 20, (4, 5))


def test_games_of_equal_name_and_configuration_are_equal():
    six, same = envs.load("connectx", {"rows": 6}), envs.load("connectx", {})
    assert six == same
    assert hash(six) == hash(same)
    others = [envs.load("connectx", {"rows": 5}), envs.load("tictactoe", {})]
    assert len({six, same, *others}) == 3


@pytest.mark.parametrize("name", ["nothing", "rps", "connectx.rules", ".", ""])
def test_a_game_that_is_not_in_jax_is_refused(name):
    with pytest.raises(ValueError, match=r"^There is no environment .* in JAX\.$"):
        envs.load(name, {})


def test_a_game_that_is_not_on_a_board_is_refused():
    with pytest.raises(ValueError, match=r"^'foraging' is not a board game, which is what"):
        envs.load("foraging", {})


@pytest.mark.parametrize(
    ("name", "configuration"),
    [
        ("connectx", {"rows": 0}),
        ("connectx", {"columns": 2.5}),
        ("connectx", {"inarow": True}),
        ("connectx", {"hight": 6}),
        ("tictactoe", {"rows": 4}),
        ("tictactoe", {"hight": 3}),
    ],
)
def test_an_impossible_configuration_is_refused(name, configuration):
    with pytest.raises(ValueError, match=next(iter(configuration))):
        envs.load(name, configuration)

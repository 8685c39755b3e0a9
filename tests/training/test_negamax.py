"""The yardstick sees as far as it says, and as plain Python does."""

import itertools
from functools import partial
from types import SimpleNamespace

import jax
import numpy as np
import pytest

from evaluation.envs.tictactoe.agents import negamax_agent
from tests.training.games import SMALL, TICTACTOE, mover
from training import negamax

pytestmark = pytest.mark.usefixtures("unoptimised")


@partial(jax.jit, static_argnums=(0, 1, 4))
def choose_often(env, depth, states, key, times):
    """[times, B]"""
    keys = jax.random.split(key, times)
    return jax.vmap(lambda key: negamax.choose(env, depth, states, key))(keys)


def boards(game, count, seed=0):
    return list(itertools.islice(game.random_boards(seed), count))


@pytest.mark.parametrize(("game", "depth"), [(TICTACTOE, 3), (SMALL, 1), (SMALL, 4)])
def test_choices_are_the_best_moves_and_all_of_them(game, depth):
    positions = boards(game, 60)
    env, states = game.env, game.states(positions)
    choices = np.asarray(choose_often(env, depth, states, jax.random.key(0), 120))
    for place, board in enumerate(positions):
        values = game.values(board, depth)
        best = {action for action, value in values.items() if value == max(values.values())}
        assert set(choices[:, place].tolist()) == best, board


def test_depth_decides_what_is_seen():
    """Two in the bottom row with both ends open: all but the move that stops it lose."""
    board = (0,) * 10 + (0, 0, 1, 0, 0) + (0, 2, 2, 1, 0)
    for depth, seen in ((1, set(range(5))), (4, {0})):
        found = choose_often(SMALL.env, depth, SMALL.states([board] * 60), jax.random.key(0), 120)
        assert set(found.ravel().tolist()) == seen


def test_best_moves_are_drawn_evenly():
    states = TICTACTOE.states([TICTACTOE.start] * 60)
    found = choose_often(TICTACTOE.env, 3, states, jax.random.key(2), 120)
    counts = np.bincount(np.asarray(found).ravel(), minlength=9)
    assert counts.min() > 700
    assert counts.max() < 900


def test_full_depth_at_the_end_of_a_game_holds_the_engines_perfect_moves():
    positions = [board for board in boards(TICTACTOE, 800) if board.count(0) in (2, 3)][:60]
    states = TICTACTOE.states(positions)
    found = choose_often(TICTACTOE.env, 3, states, jax.random.key(1), 120)
    for board, choices in zip(positions, np.asarray(found).T, strict=True):
        assert negamax_agent(SimpleNamespace(board=list(board), mark=mover(board))) in choices

"""The eyes of an exported agent: features and network are those of the training."""

import functools
import random

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.training.agents import (
    CONNECTX,
    MLP,
    SIZES,
    TICTACTOE,
    board_of,
    completes,
    env_of,
    flat,
    params_of,
    random_boards,
    sets_of,
)
from training import networks
from training.agent_template.boards.board import Board
from training.agent_template.boards.network import Network
from training.networks import Network as Layout

pytestmark = pytest.mark.usefixtures("unoptimised")

LAYOUTS = [Layout("mlp", 64, 1), Layout("mlp", 128, 3), Layout("resnet", 16, 2)]


@functools.partial(jax.jit, static_argnums=0)
def features_of(env, boards):
    states = jax.vmap(env.from_board)(boards)
    return jax.vmap(env.features)(states), jax.vmap(env.legal_actions)(states)


@pytest.mark.parametrize("game", SIZES, ids=str)
def test_an_agent_sees_what_the_network_was_trained_on(game):
    env, board = env_of(game), board_of(game)
    boards = random_boards(game, 200)
    network = Network(board, flat(params_of(env, MLP)), mirrors=1)
    seen = network.features([sets_of(board, cells) for cells in boards])
    wanted = np.asarray(features_of(env, jnp.array(boards, jnp.int8))[0]).reshape(len(boards), -1)
    np.testing.assert_array_equal(seen, wanted)


@pytest.mark.parametrize("game", [CONNECTX, TICTACTOE], ids=str)
@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_the_top_move_in_numpy_is_the_one_in_jax(game, layout):
    env, board = env_of(game), board_of(game)
    params, boards = params_of(env, layout), random_boards(game, 1000)
    features, legal = features_of(env, jnp.array(boards, jnp.int8))
    forward = jax.jit(networks.apply, static_argnums=(0, 1))
    wanted_logits, wanted_values = forward(layout, env.num_actions, params, features)
    network = Network(board, flat(params), mirrors=1)
    logits, values = map(np.array, network([sets_of(board, cells) for cells in boards]))
    np.testing.assert_allclose(logits, wanted_logits, atol=1e-4)
    np.testing.assert_allclose(values, wanted_values, atol=1e-4)
    tops = [np.where(legal, each, -np.inf).argmax(1) for each in (logits, wanted_logits)]
    assert np.mean(tops[0] == tops[1]) >= 0.995


@pytest.mark.parametrize("game", [CONNECTX, TICTACTOE], ids=str)
@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_all_sides_of_a_board_are_judged_alike(game, layout):
    env, board = env_of(game), board_of(game)
    network = Network(board, flat(params_of(env, layout)))
    cells, actions = env.symmetries
    assert network.count == len(cells)
    (one,) = random_boards(game, 1)
    turned = [[one[cell] for cell in order] for order in cells]
    logits, values = network([sets_of(board, each) for each in turned])
    np.testing.assert_allclose(values, values[0], atol=1e-5)
    np.testing.assert_allclose(logits, np.array(logits[0])[actions], atol=1e-5)


@pytest.mark.parametrize("inarow", [1, 2, 3, 5, 9])
def test_completing_cells_are_those_whose_stone_makes_a_line(inarow):
    board = Board(5, 6, inarow, falls=False)
    rng = random.Random(inarow)
    for _ in range(30):
        cells = [rng.choice((0, 1, 1, 2)) for _ in range(30)]
        mine, theirs = board.sets(cells, 1)
        found = board.position(mine, theirs)[2]
        stones = np.array(cells).reshape(5, 6) == 1
        for cell, owner in enumerate(cells):
            wanted = owner == 0 and completes(stones, divmod(cell, 6), inarow)
            assert bool(found >> board.places[cell] & 1) == wanted


class Shown(dict):
    """As kaggle-environments shows things: entries are attributes as well."""

    __getattr__ = dict.__getitem__

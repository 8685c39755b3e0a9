"""The modules of an exported agent: what it sees, computes and proves."""

import functools
import random
import time

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks.training import judge
from evaluation.envs.connectx import rules as connectx
from evaluation.envs.tictactoe import rules as tictactoe
from tests.training.agents import (
    CONNECTX,
    MLP,
    TICTACTOE,
    completes,
    flat,
    params_of,
    random_boards,
)
from training import envs, networks
from training.agent_template.boards import Board
from training.agent_template.clock import Clock
from training.agent_template.endgame import Endgame, OutOfTime
from training.agent_template.heuristic import Heuristic
from training.agent_template.network import Network
from training.agent_template.planner import Limits, Planner
from training.networks import Network as Layout

SIZES = [
    CONNECTX,
    TICTACTOE,
    ("connectx", {"rows": 4, "columns": 5, "inarow": 3}),
    ("connectx", {"rows": 9, "columns": 9, "inarow": 5}),
    ("connectx", {"rows": 3, "columns": 8, "inarow": 4}),
    ("connectx", {"rows": 5, "columns": 2, "inarow": 3}),
]
LAYOUTS = [Layout("mlp", 64, 1), Layout("mlp", 128, 3), Layout("resnet", 16, 2)]


def board_of(game):
    return Board(*game[1].values(), falls=game[0] == "connectx")


def env_of(game):
    return envs.load(game[0], game[1] if game[0] == "connectx" else {})


def mark_of(cells):
    return 1 + (len(cells) - cells.count(0)) % 2


def sets_of(board, cells):
    return board.position(*board.sets(cells, mark_of(cells)))


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


def worth(cells, game):
    """By looking at all games: 1 won, 0 drawn, -1 lost, for the side to move."""
    rows, columns, inarow = game[1].values()

    @functools.cache
    def value(cells, mark):
        best = -2
        for action in range(len(cells) if game[0] == "tictactoe" else columns):
            after, won = moved(list(cells), action, mark)
            if after is None:
                continue
            ended = won or 0 not in after
            best = max(best, int(won) if ended else -value(tuple(after), 3 - mark))
        return best

    def moved(cells, action, mark):
        if game[0] == "tictactoe":
            if cells[action]:
                return None, False
            cells[action] = mark
            return cells, bool(tictactoe.winning_line(cells, mark))
        after, outcome, cell = connectx.drop(cells, action, mark, rows, columns, inarow)
        return (None if cell is None else after), outcome == connectx.WON

    return value(tuple(cells), mark_of(cells))


SMALL = [
    TICTACTOE,
    ("connectx", {"rows": 4, "columns": 4, "inarow": 3}),
    ("connectx", {"rows": 3, "columns": 4, "inarow": 3}),
]


@pytest.mark.parametrize("game", SMALL, ids=str)
def test_alpha_beta_finds_the_worth_of_every_position(game):
    board = board_of(game)
    for cells in random_boards(game, 40, seed=3):
        sets = sets_of(board, cells)
        if sets[2] & board.playable(sets[0] | sets[1]):
            continue  # won at sight, which is not its business
        endgame = Endgame(board)
        assert endgame.solve(sets) == worth(cells, game)


def test_alpha_beta_stops_at_its_limits_and_goes_on_later():
    board = board_of(CONNECTX)
    endgame = Endgame(board)
    sets = board.position(*board.sets(judge.board([]), 1))
    endgame.limit(100, Clock())
    with pytest.raises(OutOfTime):
        endgame.solve(sets)
    assert endgame.visited == 100
    started = time.thread_time()
    endgame.limit(1e9, Clock(0.02))
    with pytest.raises(OutOfTime):
        endgame.solve(sets)
    assert 0.015 < time.thread_time() - started < 0.03


@pytest.fixture(scope="module")
def late_positions():
    """Of 22 stones and more, with the perfect score of each move."""
    positions = judge.positions("tuning")
    late = [index for index, cells in enumerate(positions.boards) if np.count_nonzero(cells) >= 22]
    return [(list(map(int, positions.boards[i])), positions.scores[i]) for i in late[:60]]


def test_near_the_end_every_move_is_perfect(late_positions):
    board = board_of(CONNECTX)
    for cells, scores in late_positions:
        planner = Planner(board, Heuristic(board))
        mine, theirs = board.sets(cells, mark_of(cells))
        plan = planner.plan(mine, theirs, Limits(Clock(), simulations=50, positions=200_000))
        assert np.sign(scores[plan.action]) == np.sign(np.nanmax(scores))


def test_the_tree_alone_proves_what_is_won_and_lost(late_positions):
    """What it says is proven is true; and it proves most of these without alpha-beta."""
    board = board_of(CONNECTX)
    proven = 0
    for cells, scores in late_positions:
        planner = Planner(board, Heuristic(board))
        mine, theirs = board.sets(cells, mark_of(cells))
        plan = planner.plan(mine, theirs, Limits(Clock(), simulations=2000, positions=0))
        if plan.outcome is not None:
            proven += 1
            assert np.sign(plan.outcome) == np.sign(np.nanmax(scores))
            assert np.sign(scores[plan.action]) == np.sign(np.nanmax(scores))
    assert proven > len(late_positions) // 2

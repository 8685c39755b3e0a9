"""The search sees what wins and what must be stopped, and values it for the seat to move."""

import itertools
from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.training.games import CONNECTX, SMALL, TICTACTOE
from training import networks, search
from training.networks import Network
from training.search import Search

pytestmark = pytest.mark.usefixtures("unoptimised")

LARGE = pytest.param(CONNECTX, marks=pytest.mark.slow)
GAMES = pytest.mark.parametrize("game", [TICTACTOE, SMALL, LARGE], ids=["3x3", "4x5", "6x7"])
KINDS, EACH = ("win", "block", "lost"), 20
POSITIONS = len(KINDS) * EACH
NETWORK = Network("mlp", 8, 1)
SEARCH = Search(simulations=256, considered=16, value_weight=0.1)


@partial(jax.jit, static_argnums=0)
def _plan(game, params, states, key, noise):
    return search.plan(game.env, NETWORK, SEARCH, params, states, key, noise)


@partial(jax.jit, static_argnums=0)
def _opinion(game, params, states):
    return search.evaluate(game.env, NETWORK, params, states)


@cache
def params_of(game):
    """Of random opinions, which the search must not fall for."""
    env = game.env
    features = env.features(env.init())
    init = partial(networks.init, network=NETWORK, features=features, num_actions=env.num_actions)
    shapes = jax.eval_shape(init, jax.random.key(0))
    rng = np.random.default_rng(0)
    return jax.tree.map(lambda leaf: rng.normal(0, 0.1, leaf.shape).astype(np.float32), shapes)


def plan(game, boards, noise=0.0, seed=0):
    """Of these boards, repeated to the number that is compiled for."""
    repeated = list(itertools.islice(itertools.cycle(boards), POSITIONS))
    planned = _plan(game, params_of(game), game.states(repeated), jax.random.key(seed), noise)
    return jax.tree.map(lambda x: np.asarray(x)[: len(boards)], planned)


def boards_where(game, condition, count=EACH, long=False):
    """Different positions of random games for which the condition holds."""
    found = dict[tuple[int, ...], None]()
    for board in itertools.islice(game.random_boards(long=long), 20_000):
        if condition(board):
            found[board] = None
        if len(found) == count:
            break
    assert len(found) == count
    return list(found)


def kind(game, board):
    """What the position asks of the seat to move."""
    if game.wins(board):
        return "win"
    safe = len(game.safe(board))
    return "lost" if not safe else "block" if safe < len(game.legal(board)) else "quiet"


@cache
def planned(game):
    """Boards of each kind and what is planned for them: (board, action, value)."""
    boards = [
        board
        for name in KINDS
        for board in boards_where(game, lambda board, name=name: kind(game, board) == name)
    ]
    rows = list(zip(boards, *plan(game, boards)[::2], strict=True))
    return {name: rows[EACH * i : EACH * (i + 1)] for i, name in enumerate(KINDS)}


@GAMES
def test_win_in_one_is_played(game):
    for board, action, value in planned(game)["win"]:
        assert action in game.wins(board), board
        assert value > 0.5


@GAMES
def test_win_of_the_other_in_one_is_stopped(game):
    for board, action, _ in planned(game)["block"]:
        assert action in game.safe(board), board


@GAMES
def test_lost_position_is_worth_less_than_nothing_to_the_seat_to_move(game):
    for board, _, value in planned(game)["lost"]:
        assert value < -0.3, board


@GAMES
def test_no_illegal_move_is_played_or_recommended(game):
    def few(most, board):
        return len(game.legal(board)) <= most

    boards = boards_where(game, partial(few, 1), long=True) + boards_where(
        game, partial(few, game.env.num_actions - 1), 2 * EACH, long=True
    )
    result = plan(game, boards, noise=1.0)
    for board, action, policy in zip(boards, result.action, result.policy, strict=True):
        legal = game.legal(board)
        assert action in legal
        assert set(np.flatnonzero(policy)) <= set(legal)
        assert policy.sum() == pytest.approx(1, abs=1e-5)


def test_noise_varies_the_play_and_its_key_repeats_it():
    boards = [SMALL.start] * POSITIONS
    same, again, other = (plan(SMALL, boards, 5.0, seed) for seed in (1, 1, 2))
    assert len(set(same.action.tolist())) > 2
    np.testing.assert_array_equal(same.action, again.action)
    assert (same.action != other.action).any()
    assert len(set(plan(SMALL, boards, 0.0).action.tolist())) == 1


def test_policy_leans_from_the_networks_opinion_to_what_was_found():
    board = boards_where(SMALL, lambda board: len(SMALL.wins(board)) == 1 and board.count(0) > 9)[0]
    (win,) = SMALL.wins(board)
    logits, _ = _opinion(SMALL, params_of(SMALL), SMALL.states([board] * EACH))
    before, after = jax.nn.softmax(logits[0])[win], plan(SMALL, [board]).policy[0, win]
    assert after > before + 0.3


def test_random_moves_are_legal_and_even():
    boards = boards_where(SMALL, lambda board: 1 < len(SMALL.legal(board)) < 5)
    states = SMALL.states(boards)
    keys = jax.random.split(jax.random.key(3), 300)
    found = jax.jit(jax.vmap(lambda key: search.draw(SMALL.env, states, key)))(keys)
    for board, actions in zip(boards, np.asarray(found).T, strict=True):
        legal = SMALL.legal(board)
        assert sorted(set(actions.tolist())) == legal
        assert np.bincount(actions)[legal].min() > 0.6 * 300 / len(legal)


def test_illegal_moves_have_impossible_logits():
    full = boards_where(SMALL, lambda board: len(SMALL.legal(board)) < 5)
    logits, values = _opinion(SMALL, params_of(SMALL), SMALL.states(full))
    assert values.shape == (EACH,)
    for board, row in zip(full, jnp.asarray(logits), strict=True):
        assert np.flatnonzero(row > search.IMPOSSIBLE).tolist() == SMALL.legal(board)

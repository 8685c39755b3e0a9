"""Batches are turned as whole positions are, and descending makes the loss less."""

import itertools
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from tests.training.games import PLAYING, SMALL, TICTACTOE
from training import learning, networks, replay_buffer
from training.learning import FINAL_RATE, Learning
from training.networks import Network
from training.replay_buffer import Moves

pytestmark = pytest.mark.usefixtures("unoptimised")

NETWORK = Network("mlp", 16, 1)
LEARNING = Learning(batch=32, batches=8, learning_rate=0.01, decay=0, value_weight=1.0, lam=1.0)


@partial(jax.jit, static_argnums=0)
def views(env, states):
    """What a network may see: features and legal actions."""
    return jax.vmap(env.features)(states), jax.vmap(env.legal_actions)(states)


batch_of = jax.jit(learning.batch_of, static_argnums=0)


def policies(boards, game, seed=0):
    """Each on one legal move."""
    rng = np.random.default_rng(seed)
    actions = np.array([rng.choice(game.legal(board)) for board in boards])
    return actions, np.eye(game.env.num_actions, dtype=np.float32)[actions]


@pytest.mark.parametrize("game", [TICTACTOE, SMALL], ids=["3x3", "4x5"])
def test_each_share_of_a_batch_is_turned_with_its_moves(game):
    env = game.env
    cells, _ = env.symmetries
    boards = list(itertools.islice(game.random_boards(), 5 * len(cells)))
    actions, policy = policies(boards, game)
    returns = np.arange(len(boards), dtype=np.float32)
    batch = batch_of(env, game.states(boards), policy, returns)
    turned = [
        tuple(np.array(board)[cells[place // 5]].tolist()) for place, board in enumerate(boards)
    ]
    features, legal = views(env, game.states(turned))
    np.testing.assert_array_equal(batch.features, features)
    np.testing.assert_array_equal(batch.legal, legal)
    np.testing.assert_array_equal(batch.returns, returns)
    assert (np.sum(batch.policy, axis=1) == 1).all()
    for place, board in enumerate(turned):
        after, outcome = game.play(boards[place], int(actions[place]))
        expected = tuple(np.array(after)[cells[place // 5]].tolist()), outcome
        assert game.play(board, int(np.argmax(batch.policy[place]))) == expected


def test_symmetries_of_a_batch_are_all_different():
    env, board = TICTACTOE.env, (1, 2, 0, 0, 1, 0, 0, 0, 2)
    assert TICTACTOE.play(board, 2)[1] == PLAYING
    _, policy = policies([board] * 16, TICTACTOE)
    batch = batch_of(env, TICTACTOE.states([board] * 16), policy, np.zeros(16, np.float32))
    assert len({features.tobytes() for features in np.asarray(batch.features)}) == 8


@pytest.mark.parametrize("count", [1, 3, 11])
def test_batch_of_any_size_keeps_all_positions(count):
    boards = list(itertools.islice(TICTACTOE.random_boards(), count))
    _, policy = policies(boards, TICTACTOE)
    returns = np.arange(count, dtype=np.float32)
    batch = batch_of(TICTACTOE.env, TICTACTOE.states(boards), policy, returns)
    stones = np.asarray(batch.features)[..., :2].sum(axis=(1, 2, 3))
    assert stones.tolist() == [sum(map(bool, board)) for board in boards]
    assert batch.policy.shape == (count, 9)


@pytest.fixture(scope="module")
def learnt():
    """Metrics of descents on fixed moves: in each position one move is right, half are won."""
    env, rows = SMALL.env, 32
    boards = list(itertools.islice(SMALL.random_boards(), rows))
    policy = np.eye(env.num_actions, dtype=np.float32)[[SMALL.legal(board)[0] for board in boards]]
    moves = Moves(
        states=jax.tree.map(lambda x: x[:, None], SMALL.states(boards)),
        policy=jnp.array(policy)[:, None],
        value=jnp.zeros((rows, 1)),
        reward=jnp.array(np.arange(rows) % 2, jnp.float32)[:, None],
        ended=jnp.ones((rows, 1), bool),
        strayed=jnp.zeros((rows, 1), bool),
    )
    buffer = replay_buffer.write(replay_buffer.empty(moves, rows), moves)
    features = np.zeros((*env.shape, 4), bool)
    init = jax.jit(networks.init, static_argnums=(1, 3))
    params = init(jax.random.key(0), NETWORK, features, env.num_actions)
    rule = learning.optimizer(LEARNING, 1)
    learn = jax.jit(partial(learning.learn, env, NETWORK, LEARNING, rule))
    opt_state, found = rule.init(params), []
    for key in jax.random.split(jax.random.key(1), 12):
        params, opt_state, metrics = learn(params, opt_state, buffer, key)
        found.append({name: float(value) for name, value in metrics.items()})
    return found


@pytest.mark.slow
def test_descents_make_every_loss_less(learnt):
    for name in ("loss/policy", "loss/kl", "loss/value"):
        assert learnt[-1][name] < 0.3 * learnt[0][name], name


@pytest.mark.slow
def test_loss_of_a_network_without_opinions_is_that_of_guessing(learnt):
    assert learnt[0]["loss/policy"] < np.log(5)
    assert learnt[0]["loss/value"] < 0.55


def steps_of(settings, moves_per_update, count):
    """How far each of so many descents goes, where the slope is always the same."""
    rule = learning.optimizer(settings, moves_per_update)
    params = {"x": jnp.zeros(())}

    def descend(carry, _):
        params, state = carry
        updates, state = rule.update({"x": jnp.ones(())}, state, params)
        return (optax.apply_updates(params, updates), state), -updates["x"]

    _, steps = jax.lax.scan(descend, (params, rule.init(params)), length=count)
    return np.asarray(steps)


def test_learning_rate_falls_to_its_last_within_the_moves_of_decay():
    """6,400 moves are 100 updates of 64, with 2 descents each."""
    settings = Learning(batches=2, learning_rate=0.1, decay=6400, weight_decay=0.0)
    steps = steps_of(settings, 64, 300)
    assert steps[0] == pytest.approx(0.1, rel=1e-3)
    assert steps[100] == pytest.approx(0.1 * (1 + FINAL_RATE) / 2, rel=0.02)
    assert steps[200:] == pytest.approx(0.1 * FINAL_RATE, rel=1e-3)
    assert (np.diff(steps[:200]) < 0).all()


def test_learning_rate_stays_without_decay():
    assert steps_of(Learning(learning_rate=0.1, decay=0, weight_decay=0.0), 64, 50) == (
        pytest.approx(0.1, rel=1e-3)
    )

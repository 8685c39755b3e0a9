"""Returns against a plain walk along each game; the loss against NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from training import losses, search

pytestmark = pytest.mark.usefixtures("unoptimised")


def plain_returns(reward, value, ended, strayed, lam):
    """Of one slot [T], by the sum over how far one looks ahead, signs turned with the seats."""
    rows = len(value)
    found = np.zeros(rows)
    for row in range(rows):
        weight, sign = 1.0, 1.0
        for at in range(row, rows):
            if strayed[at]:
                found[row] += weight * sign * value[at]
                break
            if ended[at]:
                found[row] += weight * sign * reward[at]
                break
            if at == rows - 1:
                found[row] += weight * sign * value[at]
                break
            # One move ahead: the value of what follows with 1 - lam, what comes of it with lam.
            sign = -sign
            found[row] += weight * (1 - lam) * sign * value[at + 1]
            weight *= lam
    return found


@pytest.mark.parametrize("lam", [0.0, 0.7, 1.0])
def test_returns_are_those_of_a_plain_walk(lam):
    rng = np.random.default_rng(5)
    shape = (12, 300)
    value = rng.uniform(-1, 1, shape).astype(np.float32)
    ended, strayed = rng.random(shape) < 0.2, rng.random(shape) < 0.2
    reward = (ended & (rng.random(shape) < 0.6)).astype(np.float32)
    found = losses.lambda_returns(reward, value, ended, strayed, lam)
    slots = [x.T for x in (reward, value, ended, strayed)]
    expected = [plain_returns(*slot, lam) for slot in zip(*slots, strict=True)]
    np.testing.assert_allclose(found, np.transpose(expected), atol=2e-6)


def returns(lam, *rows):
    """rows: (reward, value, ended, strayed) of one slot."""
    reward, value, ended, strayed = (
        jnp.array(column)[:, None] for column in zip(*rows, strict=True)
    )
    return losses.lambda_returns(reward, value, ended, strayed, lam)[:, 0].tolist()


def test_winner_and_loser_of_a_game_get_one_and_minus_one():
    game = [(0.0, 0.3, False, False)] * 3 + [(1.0, 0.3, True, False)]
    following = [(0.0, 0.25, False, False)]
    assert returns(1.0, *game, *following) == [-1.0, 1.0, -1.0, 1.0, 0.25]


def test_draw_is_nothing_to_both():
    assert returns(1.0, (0.0, 0.5, False, False), (0.0, 0.5, True, False)) == [0.0, 0.0]


def test_random_move_says_nothing_of_the_positions_before_it():
    """A blunder at random loses the game, and what searched well before is not blamed."""
    rows = (0.0, 0.25, False, False), (0.0, 0.5, False, True), (1.0, 0.75, True, False)
    assert returns(1.0, *rows) == [-0.5, 0.5, 1.0]
    assert returns(1.0, (1.0, 0.5, True, True)) == [0.5], "a lucky win neither"


def test_unfinished_game_counts_as_its_last_value():
    rows = [(0.0, value, False, False) for value in (0.25, 0.5, -0.75)]
    assert returns(1.0, *rows) == [-0.75, 0.75, -0.75]
    assert returns(0.0, *rows) == [-0.5, 0.75, -0.75]
    assert returns(0.5, *rows) == pytest.approx([-0.5 * 0.5 - 0.5 * 0.75, 0.75, -0.75])


def batch(rng, rows=6, actions=5):
    legal = rng.random((rows, actions)) < 0.6
    legal[:, 0] = True
    logits = np.where(legal, rng.normal(size=legal.shape), search.IMPOSSIBLE).astype(np.float32)
    policy = np.where(legal, rng.random(legal.shape), 0).astype(np.float32)
    values, returns = rng.uniform(-1, 1, (2, rows)).astype(np.float32)
    return logits, values, policy / policy.sum(axis=1, keepdims=True), returns


def test_loss_is_cross_entropy_and_weighed_squared_error():
    logits, values, policy, returns = batch(np.random.default_rng(3))
    total, metrics = losses.alphazero(logits, values, policy, returns, 0.5)
    cross_entropy, error = 0.0, 0.0
    for row in range(len(values)):
        legal = policy[row] > 0
        odds = np.exp(logits[row, legal].astype(float))
        cross_entropy -= np.sum(policy[row, legal] * np.log(odds / odds.sum())) / len(values)
        error += (values[row] - returns[row]) ** 2 / len(values)
    assert float(metrics["loss/policy"]) == pytest.approx(cross_entropy, rel=1e-5)
    assert float(metrics["loss/value"]) == pytest.approx(error, rel=1e-5)
    assert float(total) == pytest.approx(cross_entropy + 0.5 * error, rel=1e-5)


def test_divergence_is_nothing_where_the_network_thinks_as_the_search():
    _, values, policy, returns = batch(np.random.default_rng(4))
    logits = np.where(policy > 0, np.log(np.maximum(policy, 1e-30)) + 3, search.IMPOSSIBLE)
    _, metrics = losses.alphazero(logits, values, policy, returns, 1.0)
    assert float(metrics["loss/kl"]) == pytest.approx(0, abs=1e-6)
    assert float(metrics["loss/policy"]) > 0.1


def test_illegal_moves_pull_on_nothing():
    logits, values, policy, returns = batch(np.random.default_rng(6))
    slope = jax.grad(lambda logits: losses.alphazero(logits, values, policy, returns, 1.0)[0])
    found = np.asarray(slope(jnp.asarray(logits)))
    assert np.isfinite(found).all()
    assert not found[logits == search.IMPOSSIBLE].any()
    assert np.abs(found[logits != search.IMPOSSIBLE]).max() > 0.01

"""What the network is taught. B positions, A actions."""

import jax
import jax.numpy as jnp
import optax
from jax import Array


def alphazero(
    logits: Array, values: Array, policy: Array, returns: Array, value_weight: float
) -> tuple[Array, dict[str, Array]]:
    """Cross-entropy to the search's policy and squared error to the returns (Silver et al. 2018).

    logits, policy: [B, A], logits of illegal moves impossible. values, returns: [B].
    """
    log_probabilities = jax.nn.log_softmax(logits)
    cross_entropy = -jnp.sum(policy * jnp.where(policy > 0, log_probabilities, 0.0), axis=-1)
    policy_loss = jnp.mean(cross_entropy)
    value_loss = jnp.mean(optax.l2_loss(values, returns)) * 2
    entropy = -jnp.mean(jnp.sum(jax.scipy.special.xlogy(policy, policy), axis=-1))
    metrics = {
        "loss/policy": policy_loss,
        "loss/value": value_loss,
        "loss/kl": policy_loss - entropy,
    }
    return policy_loss + value_weight * value_loss, metrics


def lambda_returns(
    rewards: Array, values: Array, ended: Array, strayed: Array, lam: float
) -> Array:
    """Returns of alternating seats, each from the view of the seat to move (TD(lambda), negated).

    rewards: [T, B] of the move made in t. values: [T, B] by search. ended: [T, B] after the move.
    strayed: [T, B], the move was not the search's choice, so that only the search's value speaks
    for the position. What follows the last row is unknown: its games count as their value.
    """

    def backwards(
        after: tuple[Array, Array], row: tuple[Array, ...]
    ) -> tuple[tuple[Array, Array], Array]:
        reward, value, end, stray = row
        following = -((1 - lam) * after[0] + lam * after[1])
        result = jnp.where(stray, value, jnp.where(end, reward, following))
        return (value, result), result

    last = (-values[-1], -values[-1])
    _, returns = jax.lax.scan(backwards, last, (rewards, values, ended, strayed), reverse=True)
    return returns

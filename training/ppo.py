"""Proximal policy optimisation of the weights that a population shares.

Shapes: T steps, B slots (columns), U actions, D numbers of a genome.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import Array

from training import policy
from training.policy import Params

LOSSES = ("loss/policy", "loss/value", "loss/entropy")
SHARE = {"minimum": 0.0, "maximum": 1.0}


@dataclass(frozen=True)
class Learning:
    """epochs over what was played, each in so many minibatches of whole slots."""

    learning_rate: float = field(default=3e-3, metadata={"minimum": 0.0, "maximum": 1.0})
    epochs: int = field(default=4, metadata={"minimum": 1, "maximum": 100})
    minibatches: int = field(default=8, metadata={"minimum": 1, "maximum": 4096})
    gamma: float = field(default=0.99, metadata=SHARE)
    lam: float = field(default=0.95, metadata=SHARE)
    clip: float = field(default=0.2, metadata={"minimum": 0.0, "maximum": 10.0})
    value_weight: float = field(default=0.5, metadata={"minimum": 0.0, "maximum": 100.0})
    entropy_weight: float = field(default=0.01, metadata={"minimum": 0.0, "maximum": 100.0})
    max_grad_norm: float = field(default=0.5, metadata={"minimum": 1e-6, "maximum": 1e6})


class Batch(NamedTuple):
    """What slots lived through.

    seen: [T, B, O]. action: int[T, B]. log_probability, advantage, target: [T, B]. teaches:
    bool[T, B], whether the step is learnt from. first, last: genomes [B, D]; is_last: bool[T, B].
    """

    seen: Array
    action: Array
    log_probability: Array
    advantage: Array
    target: Array
    teaches: Array
    is_last: Array
    first: Array
    last: Array


def optimizer(learning: Learning) -> optax.GradientTransformation:
    return optax.chain(
        optax.clip_by_global_norm(learning.max_grad_norm),
        optax.adam(learning.learning_rate, eps=1e-5),
    )


def gae(rewards: Array, values: Array, discounts: Array, lam: float) -> Array:
    """Generalised advantage estimates (Schulman et al. 2016, eq. 16).

    rewards, discounts: [T, B] of steps 1..T; discount 0 ends a life. values: [T + 1, B], the last
    one bootstraps. Returns [T, B].
    """

    def backwards(after: Array, row: tuple[Array, Array, Array, Array]) -> tuple[Array, Array]:
        reward, value, following, discount = row
        error = reward + discount * following - value
        advantage = error + discount * lam * after
        return advantage, advantage

    rows = rewards, values[:-1], values[1:], discounts
    _, advantages = jax.lax.scan(backwards, jnp.zeros_like(rewards[0]), rows, reverse=True)
    return advantages


def columns(batch: Batch, chosen: Array) -> Batch:
    """These slots of a batch. chosen: int[b]."""
    steps = {name: getattr(batch, name)[:, chosen] for name in Batch._fields[:-2]}
    return Batch(**steps, first=batch.first[chosen], last=batch.last[chosen])


def loss(learning: Learning, params: Params, batch: Batch) -> tuple[Array, dict[str, Array]]:
    """Clipped surrogate, squared error of values, entropy (Schulman et al. 2017, eq. 7 and 9)."""
    logits, values = policy.recall(params, batch.first, batch.last, batch.is_last, batch.seen)
    log_all = jax.nn.log_softmax(logits)
    is_done = batch.action[..., None] == jnp.arange(policy.ACTIONS)
    log_now = jnp.sum(jnp.where(is_done, log_all, 0.0), axis=-1)
    ratio = jnp.exp(jnp.where(batch.teaches, log_now - batch.log_probability, 0.0))
    weight = batch.teaches / jnp.maximum(jnp.sum(batch.teaches), 1)

    def mean(each: Array) -> Array:
        return jnp.sum(each * weight)

    centred = batch.advantage - mean(batch.advantage)
    advantage = centred / (jnp.sqrt(mean(centred**2)) + 1e-8)
    clipped = jnp.clip(ratio, 1 - learning.clip, 1 + learning.clip)
    policy_loss = -mean(jnp.minimum(ratio * advantage, clipped * advantage))
    value_loss = mean((values - batch.target) ** 2)
    entropy = -mean(jnp.sum(jnp.exp(log_all) * log_all, axis=-1))
    total = policy_loss + learning.value_weight * value_loss - learning.entropy_weight * entropy
    return total, dict(zip(LOSSES, (policy_loss, value_loss, entropy), strict=True))

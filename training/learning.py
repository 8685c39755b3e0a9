"""How a network learns from the moves of self-play.

Shapes: B positions of a batch, A actions, S symmetries of the board, R rows, C columns, P planes.
"""

import itertools
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array

from training import losses, networks, replay_buffer, search
from training.envs import JaxEnv
from training.networks import Network, Params
from training.replay_buffer import Buffer

FINAL_RATE = 0.05  # what is left of the learning rate in the end


@dataclass(frozen=True)
class Learning:
    """batches: of `batch` positions, after every stretch of play. lam: of the returns.

    decay: moves over which the learning rate falls to a twentieth; 0 leaves it as it is.
    """

    batch: int = field(default=1024, metadata={"minimum": 1, "maximum": 1 << 20})
    batches: int = field(default=8, metadata={"minimum": 1, "maximum": 10_000})
    learning_rate: float = field(default=3e-3, metadata={"minimum": 0.0, "maximum": 1.0})
    decay: int = field(default=0, metadata={"minimum": 0})
    weight_decay: float = field(default=1e-4, metadata={"minimum": 0.0, "maximum": 1.0})
    value_weight: float = field(default=1.0, metadata={"minimum": 0.0, "maximum": 1000.0})
    lam: float = field(default=0.9, metadata={"minimum": 0.0, "maximum": 1.0})


class Batch(NamedTuple):
    """features: bool[B, R, C, P]. legal: bool[B, A]. policy: [B, A]. returns: [B]."""

    features: Array
    legal: Array
    policy: Array
    returns: Array


def optimizer(learning: Learning, moves_per_update: int) -> optax.GradientTransformation:
    rate: Any = learning.learning_rate
    if learning.decay:
        steps = max(learning.decay * learning.batches // moves_per_update, 1)
        rate = optax.cosine_decay_schedule(rate, steps, alpha=FINAL_RATE)
    return optax.adamw(rate, weight_decay=learning.weight_decay)


def learn(
    env: JaxEnv,
    network: Network,
    learning: Learning,
    rule: optax.GradientTransformation,
    params: Params,
    opt_state: Any,
    buffer: Buffer,
    key: Array,
) -> tuple[Params, Any, dict[str, Array]]:
    """Descends once for each batch; metrics are means over them. Consumes the key."""
    returns = replay_buffer.returns(buffer, learning.lam)
    slope = jax.grad(partial(_loss, env, network, learning.value_weight), has_aux=True)

    def descend(
        carry: tuple[Params, Any], key: Array
    ) -> tuple[tuple[Params, Any], dict[str, Array]]:
        params, opt_state = carry
        states, policy, targets = replay_buffer.sample(buffer, returns, key, learning.batch)
        gradient, metrics = slope(params, batch_of(env, states, policy, targets))
        updates, opt_state = rule.update(gradient, opt_state, params)
        return (optax.apply_updates(params, updates), opt_state), metrics

    keys = jax.random.split(key, learning.batches)
    (params, opt_state), metrics = jax.lax.scan(descend, (params, opt_state), keys)
    return params, opt_state, jax.tree.map(jnp.mean, metrics)


def batch_of(env: JaxEnv, states: Any, policy: Array, returns: Array) -> Batch:
    """Of positions [B] drawn at random: each symmetry turns an equal share of them."""
    features = jax.vmap(env.features)(states)
    cells, actions = env.symmetries
    flat = features.reshape(len(policy), -1, features.shape[-1])
    return Batch(
        features=_turned(flat, cells).reshape(features.shape),
        legal=_turned(jax.vmap(env.legal_actions)(states), actions),
        policy=_turned(policy, actions),
        returns=returns,
    )


def _turned(rows: Array, permutations: np.ndarray[Any, Any]) -> Array:
    """rows: [B, N, ...], of which the share s is reordered by permutations[s] [N]."""
    bounds = np.linspace(0, len(rows), len(permutations) + 1).astype(int)
    shares = zip(itertools.pairwise(bounds), permutations, strict=True)
    return jnp.concatenate([rows[start:end, order] for (start, end), order in shares])


def _loss(
    env: JaxEnv, network: Network, value_weight: float, params: Params, batch: Batch
) -> tuple[Array, dict[str, Array]]:
    logits, values = networks.apply(network, env.num_actions, params, batch.features)
    logits = jnp.where(batch.legal, logits, search.IMPOSSIBLE)
    return losses.alphazero(logits, values, batch.policy, batch.returns, value_weight)

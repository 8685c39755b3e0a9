"""Full-width search to a fixed depth on any board game: the arena's yardstick."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from training.envs import JaxEnv


def choose(env: JaxEnv, depth: int, states: Any, key: Array) -> Array:
    """One of the best moves of each position [B], drawn evenly. Consumes the key.

    A win counts 1, a loss -1, what `depth` moves do not decide 0.
    """
    values = jax.vmap(partial(_values, env, depth))(states)
    best = values == jnp.max(values, axis=-1, keepdims=True)
    return jax.random.categorical(key, jnp.where(best, 0.0, -jnp.inf))


def _values(env: JaxEnv, depth: int, state: Any) -> Array:
    """Of each move [A] to the seat that makes it; illegal ones are below all others."""
    after = jax.vmap(env.step, in_axes=(None, 0))(state, jnp.arange(env.num_actions))
    values = jax.vmap(env.reward)(after)
    if depth > 1:
        replies = jnp.max(jax.vmap(partial(_values, env, depth - 1))(after), axis=-1)
        values = jnp.where(jax.vmap(env.ended)(after), values, -replies)
    return jnp.where(env.legal_actions(state), values, -2.0)

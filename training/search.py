"""Planning with a network: Gumbel search (Danihelka et al. 2022) over a game's own rules.

Shapes: B positions, A actions. Values are those of the seat to move.
"""

from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import mctx
from jax import Array

from training import networks
from training.envs import JaxEnv
from training.networks import Network, Params

IMPOSSIBLE = -1e9


@dataclass(frozen=True)
class Search:
    """simulations: positions looked at for a move. considered: moves that share them at the root.

    value_weight: how much a difference in value says against the network's first opinion.
    """

    simulations: int = field(default=32, metadata={"minimum": 1, "maximum": 10_000})
    considered: int = field(default=16, metadata={"minimum": 1, "maximum": 10_000})
    value_weight: float = field(default=0.05, metadata={"minimum": 0.0, "maximum": 1000.0})


class Plan(NamedTuple):
    """action: int[B]. policy: float32[B, A], the network's opinion improved. value: float32[B]."""

    action: Array
    policy: Array
    value: Array


def evaluate(env: JaxEnv, network: Network, params: Params, states: Any) -> tuple[Array, Array]:
    """Logits [B, A], those of illegal moves impossible, and values [B]."""
    features = jax.vmap(env.features)(states)
    logits, values = networks.apply(network, env.num_actions, params, features)
    return jnp.where(jax.vmap(env.legal_actions)(states), logits, IMPOSSIBLE), values


def plan(
    env: JaxEnv,
    network: Network,
    search: Search,
    params: Params,
    states: Any,
    key: Array,
    noise: float = 1.0,
) -> Plan:
    """What to play in these positions [B], none of which has ended. Consumes the key.

    noise: of the choice among the moves of the root; 0 plays the best.
    """
    logits, values = evaluate(env, network, params, states)
    transform = partial(
        mctx.qtransform_completed_by_mix_value,
        value_scale=search.value_weight,
        rescale_values=False,
    )
    output = mctx.gumbel_muzero_policy(
        params,
        key,
        mctx.RootFnOutput(prior_logits=logits, value=values, embedding=states),
        partial(_expand, env, network),
        search.simulations,
        invalid_actions=logits == IMPOSSIBLE,
        qtransform=transform,
        max_num_considered_actions=min(search.considered, env.num_actions),
        gumbel_scale=noise,
    )
    return Plan(output.action, output.action_weights, _value(output))


def _expand(
    env: JaxEnv, network: Network, params: Params, key: Array, actions: Array, states: Any
) -> tuple[mctx.RecurrentFnOutput, Any]:
    """The positions after these moves, seen by the other seat: hence the discount of -1."""
    over = jax.vmap(env.ended)(states)
    states = jax.vmap(env.step)(states, actions)
    logits, values = evaluate(env, network, params, states)
    ended = jax.vmap(env.ended)(states)
    output = mctx.RecurrentFnOutput(
        reward=jnp.where(over, 0.0, jax.vmap(env.reward)(states)),
        discount=jnp.where(ended, 0.0, -1.0),
        prior_logits=logits,
        value=jnp.where(ended, 0.0, values),
    )
    return output, states


def _value(output: Any) -> Array:
    """Of the improved policy; moves that were not tried count as the position itself."""
    summary = output.search_tree.summary()
    values = jnp.where(summary.visit_counts > 0, summary.qvalues, summary.value[:, None])
    return jnp.sum(output.action_weights * values, axis=-1)


def draw(env: JaxEnv, states: Any, key: Array) -> Array:
    """Any legal move of each position [B]. Consumes the key."""
    legal = jax.vmap(env.legal_actions)(states)
    return jax.random.categorical(key, jnp.where(legal, 0.0, IMPOSSIBLE))

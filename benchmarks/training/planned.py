"""Moves by the search of self-play."""

from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.training.judge import Boards, Chosen
from training import config, search, selfplay
from training.envs import JaxEnv
from training.networks import Network, Params
from training.search import Search


def planned(
    tensors: dict[str, Any], run: dict[str, Any], boards: Boards, simulations: int
) -> Chosen:
    """tensors: {"layer/kernel": …}. run: the configuration, whose search is given more time."""
    settings = config.from_dict(run).settings
    plan = replace(settings.search, simulations=simulations)
    actions = _actions(
        selfplay.environment(settings), settings.network, plan, _nested(tensors), jnp.array(boards)
    )
    return np.asarray(actions, np.int64)


@partial(jax.jit, static_argnums=(0, 1, 2))
def _actions(
    env: JaxEnv, network: Network, plan: Search, params: Params, boards: jax.Array
) -> jax.Array:
    states = jax.vmap(env.from_board)(boards)
    return search.plan(env, network, plan, params, states, jax.random.key(0), noise=0.0).action


def _nested(tensors: dict[str, Any]) -> Params:
    params: Params = {}
    for name, array in tensors.items():
        layer, _, kind = name.partition("/")
        params.setdefault(layer, {})[kind] = array
    return params

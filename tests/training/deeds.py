"""Lives of agents as tests make them."""

import jax.numpy as jnp
import numpy as np

from training.behaviour import Behaviour


def deeds(rest: np.ndarray, haul: np.ndarray, steps: float = 200.0) -> Behaviour:
    """Of agents that rest and haul for these shares of their lives, and else go up or down."""
    nothing = np.zeros(rest.shape)
    search = 1 - rest - haul
    actions = np.stack([rest, search / 2, search / 2, nothing, nothing], axis=-1)
    sums = Behaviour(actions, haul, *[nothing] * 5)
    return Behaviour(*(jnp.asarray(each * steps, jnp.float32) for each in sums))

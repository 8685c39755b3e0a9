"""The policy of the foraging agents: weights that all share, and each one's own offset to them.

The offset, an agent's genome, covers what steers behaviour and costs little to carry: gains and
biases of both normalisations and the readout of the actions. Shapes: W width, O numbers seen,
U actions, D numbers of a genome, B agents, T steps.
"""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from evaluation.envs.foraging import world

Params = dict[str, dict[str, Array]]

ACTIONS = len(world.ACTIONS)
EPSILON = 1e-6  # as in flax's LayerNorm


class Own(NamedTuple):
    """Offsets to scale and bias of both normalisations, [..., W], and to the readout."""

    scale_0: Array
    bias_0: Array
    scale_1: Array
    bias_1: Array
    kernel: Array  # [..., W, U]
    bias: Array  # [..., U]


def init(key: Array, observation_size: int, width: int) -> Params:
    """Normal, of variance 2 / inputs in the layers, 1 / inputs for the value, and next to nothing
    in the readout, so that all actions are equally likely. Consumes the key.
    """
    sizes = {
        "dense_0": (observation_size, width),
        "dense_1": (width, width),
        "policy": (width, ACTIONS),
        "value": (width, 1),
    }
    gains = {"dense_0": 2**0.5, "dense_1": 2**0.5, "policy": 0.01, "value": 1.0}
    ends = np.cumsum([rows * columns for rows, columns in sizes.values()])
    *drawn, _ = jnp.split(jax.random.normal(key, (ends[-1],)), ends)  # one draw compiles sooner
    params: Params = {}
    for (name, size), numbers in zip(sizes.items(), drawn, strict=True):
        kernel = numbers.reshape(size) * gains[name] / size[0] ** 0.5
        params[name] = {"kernel": kernel, "bias": jnp.zeros(size[1])}
    for name in ("norm_0", "norm_1"):
        params[name] = {"scale": jnp.ones(width), "bias": jnp.zeros(width)}
    return params


def genome_size(width: int) -> int:
    return 4 * width + ACTIONS * width + ACTIONS


def covered(params: Params) -> Array:
    """[D]: the shared weights that a genome is added to, in its order."""
    first, second, policy = params["norm_0"], params["norm_1"], params["policy"]
    parts = first["scale"], first["bias"], second["scale"], second["bias"]
    return jnp.concatenate([*parts, policy["kernel"].reshape(-1), policy["bias"]])


def unpack(genomes: Array, width: int) -> Own:
    """genomes: [..., D]"""
    ends = np.cumsum([width] * 4 + [ACTIONS * width])
    own = Own(*jnp.split(genomes, ends, axis=-1))
    return own._replace(kernel=own.kernel.reshape(*genomes.shape[:-1], width, ACTIONS))


def act(params: Params, genomes: Array, seen: Array) -> tuple[Array, Array]:
    """Logits [B, U] and values [B] of agents with these genomes [B, D] that see [B, O]."""
    own = unpack(genomes, params["norm_0"]["scale"].size)
    hidden = _trunk(params, own[:4], seen)
    readout = params["policy"]["kernel"] + own.kernel
    logits = jnp.sum(hidden[..., None] * readout, axis=-2)
    return logits + params["policy"]["bias"] + own.bias, _value(params, hidden)


def recall(
    params: Params, first: Array, last: Array, is_last: Array, seen: Array
) -> tuple[Array, Array]:
    """Logits [T, B, U] and values [T, B] of slots over time.

    A slot's agent had the genome first [B, D], and from some step on last; is_last: bool[T, B].
    """
    width = params["norm_0"]["scale"].size
    early, late = unpack(first, width), unpack(last, width)
    pick = is_last[..., None]
    norms = [jnp.where(pick, b, a) for a, b in zip(early[:4], late[:4], strict=True)]
    hidden = _trunk(params, norms, seen)
    shared = params["policy"]

    def read(own: Own) -> Array:
        logits = jnp.einsum("tbw,bwu->tbu", hidden, shared["kernel"] + own.kernel)
        return logits + shared["bias"] + own.bias

    return jnp.where(pick, read(late), read(early)), _value(params, hidden)


def _trunk(params: Params, norms: Sequence[Array], seen: Array) -> Array:
    """norms: the first four of Own."""
    hidden = _layer(params, "0", norms[0], norms[1], seen)
    return _layer(params, "1", norms[2], norms[3], hidden)


def _layer(params: Params, number: str, scale: Array, bias: Array, x: Array) -> Array:
    dense, norm = params[f"dense_{number}"], params[f"norm_{number}"]
    x = x @ dense["kernel"] + dense["bias"]
    x = x - jnp.mean(x, axis=-1, keepdims=True)
    x = x * jax.lax.rsqrt(jnp.mean(x * x, axis=-1, keepdims=True) + EPSILON)
    return jnp.tanh(x * (norm["scale"] + scale) + norm["bias"] + bias)


def _value(params: Params, hidden: Array) -> Array:
    value = params["value"]
    result: Array = hidden @ value["kernel"][:, 0] + value["bias"][0]
    return result

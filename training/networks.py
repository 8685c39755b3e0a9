"""Policy and value networks for board games. Exported agents compute the same in NumPy.

Shapes: R rows, C columns, P planes of features, A actions, W width. Inputs are one position or a
batch of them; parameters are nested dictionaries {layer: {"kernel", "bias"}}.
"""

from dataclasses import dataclass, field
from typing import Any, cast

import flax.linen as nn
import jax.numpy as jnp
from jax import Array

VALUE_UNITS = 64
POLICY_CHANNELS, VALUE_CHANNELS = 4, 2

Params = dict[str, Any]


@dataclass(frozen=True)
class Network:
    """mlp: `depth` dense layers of `width` units. resnet: `depth` blocks of `width` channels."""

    kind: str = field(default="mlp", metadata={"choices": ("mlp", "resnet")})
    width: int = field(default=128, metadata={"minimum": 1, "maximum": 4096})
    depth: int = field(default=3, metadata={"minimum": 1, "maximum": 100})


class Mlp(nn.Module):
    """Dense layers with residual connections (He et al. 2016)."""

    width: int
    depth: int
    num_actions: int

    @nn.compact
    def __call__(self, features: Array) -> tuple[Array, Array]:
        """features: float32[..., R, C, P]. Returns logits [..., A] and values [...] in -1..1."""
        x = features.reshape(*features.shape[:-3], -1)
        x = nn.relu(nn.Dense(self.width, name="input")(x))
        for i in range(1, self.depth):
            x = x + nn.relu(nn.Dense(self.width, name=f"block_{i}")(x))
        return _heads(x, x, self.num_actions)


class ResNet(nn.Module):
    """Convolutions in residual blocks without normalisation: a block begins as the identity."""

    width: int
    depth: int
    num_actions: int

    @nn.compact
    def __call__(self, features: Array) -> tuple[Array, Array]:
        """features: float32[..., R, C, P]. Returns logits [..., A] and values [...] in -1..1."""
        x = nn.relu(nn.Conv(self.width, (3, 3), name="stem")(features))
        for i in range(self.depth):
            y = nn.relu(nn.Conv(self.width, (3, 3), name=f"block_{i}_a")(x))
            zeros = nn.initializers.zeros
            x = nn.relu(x + nn.Conv(self.width, (3, 3), kernel_init=zeros, name=f"block_{i}_b")(y))
        policy = nn.relu(nn.Conv(POLICY_CHANNELS, (1, 1), name="policy_conv")(x))
        value = nn.relu(nn.Conv(VALUE_CHANNELS, (1, 1), name="value_conv")(x))
        flat = (*features.shape[:-3], -1)
        return _heads(policy.reshape(flat), value.reshape(flat), self.num_actions)


def _heads(policy: Array, value: Array, num_actions: int) -> tuple[Array, Array]:
    """Both start near zero: an untrained network prefers no move and expects a draw."""
    small = nn.initializers.variance_scaling(0.01, "fan_in", "truncated_normal")
    logits = nn.Dense(num_actions, kernel_init=small, name="policy")(policy)
    hidden = nn.relu(nn.Dense(VALUE_UNITS, name="value_hidden")(value))
    return logits, jnp.tanh(nn.Dense(1, kernel_init=small, name="value")(hidden))[..., 0]


def build(network: Network, num_actions: int) -> nn.Module:
    kinds = {"mlp": Mlp, "resnet": ResNet}
    return kinds[network.kind](network.width, network.depth, num_actions)


def init(key: Array, network: Network, features: Array, num_actions: int) -> Params:
    """The first parameters; consumes the key. features: a position's, for their shape."""
    variables = build(network, num_actions).init(key, features.astype(jnp.float32))
    return cast(Params, variables["params"])


def apply(
    network: Network, num_actions: int, params: Params, features: Array
) -> tuple[Array, Array]:
    """Logits [..., A] and values [...] of positions with these features [..., R, C, P]."""
    outputs: Any = build(network, num_actions).apply(
        {"params": params}, features.astype(jnp.float32)
    )
    return cast(tuple[Array, Array], outputs)

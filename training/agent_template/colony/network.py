"""The trained policy in NumPy, each member of a colony with its own weights.

Shapes: M members, I numbers that each sees, W width, A actions, G genomes of D numbers. Parameters
are those of `training.policy`; a genome is an offset to some of them.
"""

import numpy as np

from training.agent_template.weights import Array

EPSILON = 1e-6  # of the layer norms, as flax has it
# In the order in which their offsets lie in a genome, each row by row.
OWN = ("norm_0/scale", "norm_0/bias", "norm_1/scale", "norm_1/bias", "policy/kernel", "policy/bias")


class Network:
    def __init__(self, tensors: dict[str, Array]) -> None:
        """tensors: the shared weights by name, and "genomes" [G, D]."""
        self.shared, self.own = tensors, own_weights(tensors)

    def __call__(self, seen: Array, genomes: list[int]) -> Array:
        """Logits [M, A]. seen: [M, I]. genomes: which one each member has."""
        own = {name: weights[genomes] for name, weights in self.own.items()}
        x = seen
        for number in (0, 1):
            x = x @ self.shared[f"dense_{number}/kernel"] + self.shared[f"dense_{number}/bias"]
            x = normalised(x) * own[f"norm_{number}/scale"] + own[f"norm_{number}/bias"]
            x = np.tanh(x)
        logits: Array = (x[:, None] @ own["policy/kernel"])[:, 0] + own["policy/bias"]
        return logits


def own_weights(tensors: dict[str, Array]) -> dict[str, Array]:
    """[G, ...] of each name: what the shared weights are with the offsets of a genome."""
    ends = np.cumsum([tensors[name].size for name in OWN])
    offsets = np.split(tensors["genomes"], ends[:-1], axis=1)
    return {
        name: tensors[name] + offset.reshape(-1, *tensors[name].shape)
        for name, offset in zip(OWN, offsets, strict=True)
    }


def normalised(x: Array) -> Array:
    """Each row to mean 0 and variance 1."""
    centred = x - x.mean(-1, keepdims=True)
    scaled: Array = centred / np.sqrt(np.square(centred).mean(-1, keepdims=True) + EPSILON)
    return scaled

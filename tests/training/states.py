"""Small training states and manifests that checkpoint tests save."""

import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
import optax

from training import checkpoint, safetensors
from training.manifest import Manifest, hex_crc32, metadata, sealed

CONNECTX = {"name": "connectx", "version": "1.0.0", "configuration": {"rows": 6, "columns": 7}}


@flax.struct.dataclass
class State:
    params: Any
    opt_state: Any
    buffer: Any
    key: Any
    step: Any
    game: str = flax.struct.field(pytree_node=False, default="connectx")


def state(width: int = 4, seed: int = 0, depth: int = 1) -> State:
    """Float32 and bfloat16 weights, Adam's state, a ring of bits, a typed key, a step."""
    keys = jax.random.split(jax.random.key(seed), depth + 1)
    params = {
        f"layer_{number}": {
            "kernel": jax.random.normal(key, (3, width)),
            "bias": jnp.zeros(width, jnp.bfloat16),
        }
        for number, key in enumerate(keys[1:])
    }
    buffer = {"board": jnp.arange(6, dtype=jnp.int8).reshape(2, 3) % 2 == 0, "next": jnp.int32(5)}
    opt_state = optax.adam(1e-3).init(params)
    return State(params, opt_state, buffer, keys[0], jnp.uint32(7))


def manifest(step: int = 7) -> Manifest:
    return Manifest(
        task="selfplay",
        step=step,
        config={"seed": 3, "selfplay": {"network": {"width": 4}, "note": "≥ 1"}},
        trackers={"best": 0.5, "names": ["a", None]},
        versions={"jax": jax.__version__},
        source_hash="ab" * 32,
        environment=CONNECTX,
    )


def saved(folder: Path, step: int = 7, **changes: Any) -> Path:
    path = checkpoint.regular(folder, step)
    checkpoint.save(path, state(**changes), manifest(step))
    return path


def forge(path: Path, tensors: dict[str, Any]) -> None:
    """A sound file of tensors that saving would refuse."""
    layout = safetensors.ordered(tensors)
    sums = [hex_crc32(zlib.crc32(safetensors.data(array))) for array in layout.values()]
    raw = safetensors.header(layout, metadata(replace(manifest(), crc32=sums)))
    data = b"".join(array.tobytes() for array in layout.values())
    path.write_bytes(safetensors.with_length(sealed(raw)) + data)


def assert_same(ours: Any, theirs: Any) -> None:
    """Structure, types and bits."""
    assert jax.tree.structure(ours) == jax.tree.structure(theirs)
    for left, right in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
        assert (left.dtype, left.shape) == (right.dtype, right.shape)
        assert bits(left) == bits(right)


def bits(leaf: Any) -> bytes:
    is_key = jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
    return np.asarray(jax.random.key_data(leaf) if is_key else leaf).tobytes()

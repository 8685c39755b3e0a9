"""Checkpoints of a training state: a pytree to one file and back, the same to the bit.

Tensors are named by their paths in the tree. What is static in the tree is not stored: `like`
has it. Weak types are not kept. The files themselves are the business of `folder` and `storage`.
"""

import errno
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from training import storage
from training.errors import TrainingError
from training.folder import candidates, clean, emergency, name_latest, regular, replacing, rotate
from training.manifest import Manifest, ManifestError, Tensor
from training.safetensors import Array, numpy_dtype

__all__ = [
    "CheckpointError",
    "Damaged",
    "Mismatch",
    "NotSaved",
    "candidates",
    "emergency",
    "load",
    "regular",
    "rotate",
    "save",
]

T = TypeVar("T")


class CheckpointError(TrainingError):
    """A checkpoint that cannot be saved or loaded: one sentence that says why."""


class Damaged(CheckpointError):
    """A file that is no sound checkpoint; the one before it may be."""


class Mismatch(CheckpointError):
    """A sound checkpoint of something else: another task, game or network."""


class NotSaved(CheckpointError):
    """The disk refused. The run can go on, and nothing is left of the attempt."""


@dataclass(frozen=True)
class _Kind:
    """What must agree of a leaf; dtype as NumPy or JAX prints it, key<fry> for a random key."""

    dtype: str
    shape: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.dtype}[{','.join(map(str, self.shape))}]"


def save(path: Path, state: Any, manifest: Manifest) -> None:
    """Writes the state and lets `latest` name it; a crash at any moment leaves no half file.

    Raises NotSaved where the disk fails or is full, CheckpointError where the state holds what no
    checkpoint can: two leaves of one name, numbers that are no arrays, weights that are not finite.
    """
    leaves = _named_leaves(state)
    keys = {name: str(jax.random.key_impl(leaf)) for name, leaf in leaves.items() if _is_key(leaf)}
    bare = {
        name: jax.random.key_data(leaf) if name in keys else leaf for name, leaf in leaves.items()
    }
    tensors = {name: np.asarray(leaf) for name, leaf in jax.device_get(bare).items()}
    try:
        clean(path.parent)
        with replacing(path) as file:
            storage.write(file, tensors, replace(manifest, keys=keys))
        name_latest(path)
    except OSError as error:
        raise NotSaved(_refusal(path, error)) from error
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"{path.name} cannot be saved: {error}") from error


def load(path: Path, like: T) -> tuple[T, Manifest]:
    """The state, in the form of `like`: arrays, or what jax.eval_shape gives.

    A leaf that is a NumPy array in `like`, or of a type that JAX would narrow, comes back as one;
    others as JAX arrays on the default device. Raises Damaged, or Mismatch with every difference.
    """
    try:
        tensors, manifest = storage.read(path)
    except ManifestError as error:
        raise Damaged(error.message) from None
    leaves = _named_leaves(like)
    _check(path, manifest, {name: _kind(leaf) for name, leaf in leaves.items()})
    on_device = jax.device_put({n: a for n, a in tensors.items() if not _stays(a, leaves[n])})
    for name, implementation in manifest.keys.items():
        on_device[name] = jax.random.wrap_key_data(on_device[name], impl=implementation)
    restored = [on_device.get(name, tensors[name]) for name in leaves]
    return jax.tree_util.tree_unflatten(jax.tree_util.tree_structure(like), restored), manifest


def _check(path: Path, manifest: Manifest, here: dict[str, _Kind]) -> None:
    there = {name: _stored_kind(name, manifest) for name in manifest.tensors}
    missing = [f"{name} is missing" for name in here if name not in there]
    unexpected = [f"{name} is unexpected" for name in there if name not in here]
    other = [name for name in here if name in there and there[name] != here[name]]
    changed = [f"{name} is {there[name]} in the file, {here[name]} here" for name in other]
    if missing or unexpected or changed:
        raise Mismatch(
            f"{path.name}, of the task {manifest.task}{_played(manifest)}, cannot be loaded here, "
            f"{_reason(here, there)}: {'; '.join([*missing, *unexpected, *changed])}"
        )


def _reason(here: dict[str, _Kind], there: dict[str, _Kind]) -> str:
    """The likeliest one, by the weights alone."""
    ours, theirs = _weights(here), _weights(there)
    if ours == theirs:
        return "where the state around the network is another one"
    if ours.keys() == theirs.keys():
        return "where the network or the game has another size"
    if ours.keys() & theirs.keys():
        return "where the network has other layers"
    return "where another task runs"


def _weights(kinds: dict[str, _Kind]) -> dict[str, _Kind]:
    return {name: kind for name, kind in kinds.items() if name.startswith(storage.WEIGHTS)}


def _played(manifest: Manifest) -> str:
    name = manifest.environment.get("name")
    configuration = manifest.environment.get("configuration")
    return f" on {name} {json.dumps(configuration)}" if name else ""


def _named_leaves(tree: Any) -> dict[str, Any]:
    pairs = [(_name(path), leaf) for path, leaf in jax.tree_util.tree_leaves_with_path(tree)]
    leaves = dict(pairs)
    if len(leaves) < len(pairs):
        names = [name for name, _ in pairs]
        twice = sorted({name for name in names if names.count(name) > 1})
        raise CheckpointError(f"two leaves of the state have one name: {', '.join(twice)}")
    bare = [name for name, leaf in pairs if not hasattr(leaf, "dtype")]
    if bare:
        raise CheckpointError(f"the state holds what is no array: {', '.join(bare)}")
    return leaves


def _name(path: tuple[Any, ...]) -> str:
    return jax.tree_util.keystr(path, simple=True, separator="/")


def _is_key(leaf: Any) -> bool:
    return jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def _kind(leaf: Any) -> _Kind:
    return _Kind(str(leaf.dtype), tuple(leaf.shape))


def _stored_kind(name: str, manifest: Manifest) -> _Kind:
    tensor = manifest.tensors[name]
    if name not in manifest.keys:
        return _Kind(numpy_dtype(tensor.dtype).name, tensor.shape)
    return _key_kind(tensor, manifest.keys[name])


def _key_kind(tensor: Tensor, implementation: str) -> _Kind:
    """Of the keys that these data stand for."""
    try:
        data = jax.ShapeDtypeStruct(tensor.shape, numpy_dtype(tensor.dtype))
        return _kind(
            jax.eval_shape(lambda bits: jax.random.wrap_key_data(bits, impl=implementation), data)
        )
    except (TypeError, ValueError):
        return _Kind(f"key of unknown implementation {implementation!r}", tensor.shape)


def _stays(array: Array, like: Any) -> bool:
    """Whether it is to be a NumPy array."""
    narrowed = jax.dtypes.canonicalize_dtype(array.dtype) != array.dtype
    return narrowed or isinstance(like, np.ndarray | np.generic)


def _refusal(path: Path, error: OSError) -> str:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    reason = "the disk is full" if full else error.strerror or str(error)
    advice = "free some space" if full else "look at the disk and its rights"
    return f"{path.name} was not saved: {reason} ({path.parent}): {advice}"

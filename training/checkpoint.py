"""Checkpoints of a training state: a pytree to one file and back, the same to the bit.

Tensors are named by their paths in the tree. What is static in the tree is not stored: `like`
has it. Weak types are not kept. The files themselves are the business of `folder` and `storage`.
"""

import errno
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from training import storage
from training.folder import candidates, clean, emergency, name_latest, regular, replacing, rotate
from training.manifest import Manifest, ManifestError, Tensor, read
from training.safetensors import Array, numpy_dtype

__all__ = [
    "CheckpointError",
    "Damaged",
    "Mismatch",
    "NotSaved",
    "Resumed",
    "candidates",
    "emergency",
    "load",
    "regular",
    "resume",
    "rotate",
    "save",
]

T = TypeVar("T")


class CheckpointError(Exception):
    """A checkpoint that cannot be saved or loaded: one sentence that says why."""


class Damaged(CheckpointError):
    """A file that is no sound checkpoint; the one before it may be."""


class Mismatch(CheckpointError):
    """A sound checkpoint of something else: another task, game, network or version."""


class NotSaved(CheckpointError):
    """The disk refused. The run can go on, and nothing is left of the attempt."""


@dataclass(frozen=True)
class Resumed(Generic[T]):
    """warnings: a sentence for each newer checkpoint that was passed over."""

    state: T
    manifest: Manifest
    path: Path
    warnings: tuple[str, ...]


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
    checkpoint can: two leaves of one name, NaN or infinite weights, a type without a name.
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


def load(path: Path, like: T, expected: Manifest | None = None) -> tuple[T, Manifest]:
    """The state, in the form of `like`: arrays, or what jax.eval_shape gives.

    A leaf that is a NumPy array in `like`, or of a type that JAX would narrow, comes back as one;
    others as JAX arrays on the default device. expected: what this run would save; another task
    or environment than its own is refused, a differing configuration named.
    Raises Damaged, or Mismatch with every difference.
    """
    try:
        _check(path, read(path), like, expected)
        tensors, manifest = storage.read(path)
    except ManifestError as error:
        raise Damaged(str(error)) from None
    wanted, tree = jax.tree_util.tree_flatten_with_path(like)
    names = [_name(keys) for keys, _ in wanted]
    leaves = [
        _restored(tensors[name], leaf, manifest.keys.get(name))
        for name, (_, leaf) in zip(names, wanted, strict=True)
    ]
    return jax.tree_util.tree_unflatten(tree, leaves), manifest


def resume(folder: Path, like: T, expected: Manifest | None = None) -> Resumed[T] | None:
    """The newest sound checkpoint of a folder, whatever `latest` says; None where there is none.

    Raises Mismatch where it is of something else, and Damaged where all there are are damaged:
    starting anew would bury them.
    """
    warnings: list[str] = []
    for path in candidates(folder):
        try:
            state, manifest = load(path, like, expected)
        except Damaged as error:
            warnings.append(str(error))
        else:
            return Resumed(state, manifest, path, tuple(warnings))
    if warnings:
        raise Damaged(f"no checkpoint in {folder} can be used: {'; '.join(warnings)}")
    return None


def _check(path: Path, manifest: Manifest, like: Any, expected: Manifest | None) -> None:
    """Raises Mismatch. Reads no tensor."""
    there = {name: _stored_kind(name, manifest) for name in manifest.tensors}
    here = {name: _kind(leaf) for name, leaf in _named_leaves(like).items()}
    differences = [
        *(f"{name} is missing" for name in here if name not in there),
        *(f"{name} is unexpected" for name in there if name not in here),
        *(
            f"{name} is {there[name]} in the file, {here[name]} here"
            for name in here
            if name in there and there[name] != here[name]
        ),
    ]
    if differences:
        raise Mismatch(f"{path.name} does not fit: {'; '.join(differences)}")


def _named_leaves(tree: Any) -> dict[str, Any]:
    pairs = [(_name(path), leaf) for path, leaf in jax.tree_util.tree_leaves_with_path(tree)]
    leaves = dict(pairs)
    if len(leaves) < len(pairs):
        names = [name for name, _ in pairs]
        twice = sorted({name for name in names if names.count(name) > 1})
        raise CheckpointError(f"two leaves of the state have one name: {', '.join(twice)}")
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
        data = jax.ShapeDtypeStruct(tensor.shape, numpy_dtype(tensor.dtype))  # type: ignore[no-untyped-call]
        return _kind(
            jax.eval_shape(lambda bits: jax.random.wrap_key_data(bits, impl=implementation), data)
        )
    except (TypeError, ValueError):
        return _Kind(f"key of unknown implementation {implementation!r}", tensor.shape)


def _restored(array: Array, like: Any, implementation: str | None) -> Any:
    if implementation is not None:
        return jax.random.wrap_key_data(jnp.asarray(array), impl=implementation)
    narrowed = jax.dtypes.canonicalize_dtype(array.dtype) != array.dtype
    if narrowed or isinstance(like, np.ndarray | np.generic):
        return array
    return jax.device_put(array)


def _refusal(path: Path, error: OSError) -> str:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    reason = "the disk is full" if full else error.strerror or str(error)
    advice = "free some space" if full else "look at the disk and its rights"
    return f"{path.name} was not saved: {reason} ({path.parent}): {advice}"

"""Reads and writes the safetensors format as the package of that name does: NumPy and no more.

Files are the same to the byte as those of safetensors 0.8.0 (`safetensors.numpy.save_file`). Where
ml_dtypes is missing, NumPy has no type for BF16 and the 8-bit floats: these come back as raw
bits, in uint16 and uint8; `bfloat16_to_float32` turns the former into numbers.
"""

import contextlib
import importlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from training.manifest import DTYPE_BYTES, Header, damaged, opened, read_header

Array = NDArray[Any]

ALIGNMENT = 64  # of tensors in memory: what XLA on CPU takes over without a copy
OWN_BYTES = 1 << 22
_NUMPY_NAMES = {
    "BOOL": "bool",
    "U8": "uint8",
    "I8": "int8",
    "F8_E5M2": "float8_e5m2",
    "F8_E4M3": "float8_e4m3fn",
    "I16": "int16",
    "U16": "uint16",
    "F16": "float16",
    "BF16": "bfloat16",
    "I32": "int32",
    "U32": "uint32",
    "F32": "float32",
    "C64": "complex64",
    "F64": "float64",
    "I64": "int64",
    "U64": "uint64",
}
_FORMAT_NAMES = {numpy: name for name, numpy in _NUMPY_NAMES.items()}
_RANKS = {dtype: rank for rank, dtype in enumerate(DTYPE_BYTES)}


def write(
    path: Path, tensors: Mapping[str, Array], metadata: Mapping[str, str] | None = None
) -> None:
    """Metadata keeps its order (the package's own order of several keys is random)."""
    layout = ordered(tensors)
    with path.open("wb") as file:
        file.write(with_length(header(layout, metadata)))
        write_tensors(file, layout)


def read(path: Path) -> tuple[dict[str, Array], dict[str, str]]:
    """Tensors and metadata of any safetensors file. Raises ManifestError."""
    with opened(path) as file:
        found = read_header(file)
        return read_tensors(file, found), found.metadata


def ordered(tensors: Mapping[str, Array]) -> dict[str, Array]:
    """In the order of the file: wide types first, then by name; little-endian and contiguous."""
    ranks = {name: _RANKS[format_name(array.dtype)] for name, array in tensors.items()}
    return {name: _plain(tensors[name]) for name in sorted(tensors, key=lambda n: (-ranks[n], n))}


def format_name(dtype: np.dtype[Any]) -> str:
    """The name in the format. Raises ValueError for a type that it has no name for."""
    try:
        return _FORMAT_NAMES[dtype.name]
    except KeyError:
        raise ValueError(f"safetensors has no type for {dtype.name}") from None


def numpy_dtype(name: str) -> np.dtype[Any]:
    """The NumPy type of a type's name in the format; raw bits where it takes ml_dtypes."""
    with contextlib.suppress(TypeError):
        return np.dtype(_NUMPY_NAMES[name])
    with contextlib.suppress(ImportError):
        known: np.dtype[Any] = np.dtype(
            getattr(importlib.import_module("ml_dtypes"), _NUMPY_NAMES[name])
        )
        return known
    return np.dtype(f"uint{8 * DTYPE_BYTES[name]}")


def bfloat16_to_float32(bits: NDArray[np.uint16]) -> NDArray[np.float32]:
    """A bfloat16 is the upper half of a float32."""
    return (bits.astype(np.uint32) << 16).view(np.float32)


def header(layout: Mapping[str, Array], metadata: Mapping[str, str] | None) -> bytes:
    """JSON as serde_json prints it, padded with spaces to a multiple of eight bytes."""
    entries: dict[str, Any] = {} if metadata is None else {"__metadata__": dict(metadata)}
    place = 0
    for name, array in layout.items():
        end = place + array.nbytes
        entries[name] = {
            "dtype": format_name(array.dtype),
            "shape": array.shape,
            "data_offsets": [place, end],
        }
        place = end
    text = json.dumps(entries, ensure_ascii=False, separators=(",", ":")).encode()
    return text + b" " * (-len(text) % 8)


def with_length(raw: bytes) -> bytes:
    return len(raw).to_bytes(8, "little") + raw


def data(array: Array) -> memoryview:
    """The bytes of a contiguous array, not copied; whatever its type."""
    return array.reshape(-1).view(np.uint8).data


def write_tensors(file: BinaryIO, layout: Mapping[str, Array]) -> None:
    for array in layout.values():
        file.write(data(array))


def read_tensors(file: BinaryIO, found: Header) -> dict[str, Array]:
    """Writable and aligned; large ones in memory of their own, small ones in one block.

    NumPy asks for huge pages for a block of megabytes: fresh memory costs a fifth in them.
    """
    sizes = [each.end - each.begin for each in found.tensors.values()]
    shared = _aligned(sum(_padded(size) for size in sizes if size < OWN_BYTES))
    file.seek(found.data_offset)
    tensors = {}
    for (name, tensor), size in zip(found.tensors.items(), sizes, strict=True):
        if size < OWN_BYTES:
            flat, shared = shared[:size], shared[_padded(size) :]
        else:
            flat = _aligned(size)
        _fill(file, flat)
        tensors[name] = flat.view(numpy_dtype(tensor.dtype)).reshape(tensor.shape)
    return tensors


def _padded(size: int) -> int:
    return size + -size % ALIGNMENT


def _aligned(size: int) -> NDArray[np.uint8]:
    memory = np.empty(size + ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % ALIGNMENT
    return memory[start : start + size]


def _fill(file: BinaryIO, flat: NDArray[np.uint8]) -> None:
    left = flat.data
    while left:
        count = file.readinto(left)  # type: ignore[attr-defined]
        if not count:
            raise damaged("became shorter while it was read")
        left = left[count:]


def _plain(array: Array) -> Array:
    array = np.asarray(array, array.dtype.newbyteorder("<"))
    return array if array.flags.c_contiguous else array.copy()

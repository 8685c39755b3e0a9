"""What a checkpoint says of itself, read from its header; standard library only, for the web side.

A checkpoint is one safetensors file: eight bytes of length, a JSON header that places each tensor,
the tensors (https://github.com/huggingface/safetensors#format). Nothing in it is ever executed.
"""

import contextlib
import hashlib
import json
import math
import stat
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, NoReturn

from training.errors import TrainingError

SCHEMA = 1
MAX_HEADER_BYTES = 1 << 20
MAX_TENSORS = 4096
MAX_RANK = 32
MAX_DEPTH = 32
MAX_NAME = 512
MAX_STEP = 10**18
CHUNK_BYTES = 1 << 20

# In the order in which the safetensors package lays tensors out, last one first.
DTYPE_BYTES = {
    "BOOL": 1,
    "U8": 1,
    "I8": 1,
    "F8_E5M2": 1,
    "F8_E4M3": 1,
    "I16": 2,
    "U16": 2,
    "F16": 2,
    "BF16": 2,
    "I32": 4,
    "U32": 4,
    "F32": 4,
    "C64": 8,
    "F64": 8,
    "I64": 8,
    "U64": 8,
}

KEY = "palaestra"
DIGEST_HEX = 64
# A header begins with its own digest, at a place that needs no JSON to be found.
PREFIX = b'{"__metadata__":{"' + KEY.encode() + b'":"{\\"sha256\\":\\"'
AGAIN = "copy it again or use the checkpoint before it"
FOREIGN = "use a file that `python -m training run` has saved"
PICKLE = "a pickle, which could run any code"
DISGUISES = {
    b"PK\x03\x04": "a zip archive (PyTorch and NumPy save such files)",
    b"PK\x05\x06": "a zip archive",
    b"\x1f\x8b": "a gzip archive",
    b"\x89HDF": "an HDF5 file",
    b"\x93NUMPY": "a NumPy file",
    **dict.fromkeys((bytes([0x80, protocol]) for protocol in range(6)), PICKLE),
    **dict.fromkeys((b"(dp", b"(lp", b"}q\x00", b"]q\x00", b"ccopy_reg", b"cnumpy"), PICKLE),
}


class ManifestError(TrainingError, ValueError):
    """The file cannot be used as a checkpoint: one sentence that says why, and what to do."""


class Tensor(NamedTuple):
    """Where a tensor lies, in bytes after the header; dtype by its name in safetensors."""

    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


@dataclass(frozen=True)
class Header:
    """tensors: in the order of their bytes. raw: the JSON text with its padding."""

    raw: bytes
    tensors: dict[str, Tensor]
    metadata: dict[str, str]

    @property
    def data_offset(self) -> int:
        return 8 + len(self.raw)


def now() -> str:
    """The time in UTC, as checkpoints tell when they were created."""
    return datetime.now(UTC).isoformat(timespec="seconds")


@dataclass(frozen=True)
class Manifest:
    """What a run says of a checkpoint; the fields after environment are filled in by saving.

    keys: implementation of each typed random key, by tensor name. crc32: of each tensor, in the
    order of their bytes, 8 hex digits. sha256: of the header without these 64 digits. tensors:
    where they lie, from the header itself.
    """

    task: str
    step: int
    config: dict[str, Any]
    trackers: dict[str, Any] = field(default_factory=dict)
    created: str = field(default_factory=now)
    versions: dict[str, str] = field(default_factory=dict)
    source_hash: str = ""
    environment: dict[str, Any] = field(default_factory=dict)
    schema: int = SCHEMA
    keys: dict[str, str] = field(default_factory=dict)
    crc32: list[str] = field(default_factory=list)
    sha256: str = ""
    tensors: dict[str, Tensor] = field(default_factory=dict)


_TYPES = {
    "task": str,
    "step": int,
    "config": dict,
    "trackers": dict,
    "created": str,
    "versions": dict,
    "source_hash": str,
    "environment": dict,
    "schema": int,
    "keys": dict,
    "crc32": list,
    "sha256": str,
}


def read(path: Path) -> Manifest:
    """The manifest, its header's digest checked. Raises ManifestError. Tensors stay unread."""
    with opened(path) as file:
        return parse(read_header(file))


def verify(path: Path) -> Manifest:
    """As read, and the checksum of each tensor compared too, chunk by chunk.

    Whether the weights are finite takes NumPy to see: `training.storage.read` looks.
    """
    with opened(path) as file:
        header = read_header(file)
        manifest = parse(header)
        for (name, tensor), expected in zip(header.tensors.items(), manifest.crc32, strict=True):
            file.seek(header.data_offset + tensor.begin)
            check_sum(name, _crc32(file, tensor.end - tensor.begin), expected)
    return manifest


@contextlib.contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """The file; whatever is wrong with it becomes a ManifestError that starts with its name."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise ManifestError(f"is not a file: {FOREIGN}")
        with path.open("rb", buffering=0) as file:
            yield file
    except FileNotFoundError:
        raise ManifestError(f"{path.name} does not exist: check the path {path}") from None
    except ManifestError as error:
        raise ManifestError(f"{path.name} {error}") from None
    except MemoryError:
        raise ManifestError(f"{path.name} needs more memory than there is: {FOREIGN}") from None
    except OSError as error:
        raise ManifestError(f"{path.name} cannot be read ({error.strerror}): {AGAIN}") from None


def damaged(what: str) -> ManifestError:
    return ManifestError(f"{what}: {AGAIN}")


def hex_crc32(value: int) -> str:
    """All of one length, so that a header's length is known before the sums are."""
    return f"{value:08x}"


def check_sum(name: str, actual: str, expected: str) -> None:
    if actual != expected:
        raise damaged(f"is damaged: the bytes of {name} do not match their checksum")


def is_sane(name: str) -> bool:
    """Printable, relative, without the parts that a file system or a terminal would obey."""
    parts = name.split("/")
    return (
        0 < len(name) <= MAX_NAME
        and name.isprintable()
        and "\\" not in name
        and not {"", ".", ".."} & set(parts)
    )


def read_header(file: BinaryIO) -> Header:
    """The header of any safetensors file within the limits. Raises ManifestError, unnamed."""
    size = file.seek(0, 2)
    file.seek(0)
    start = file.read(16)
    length = int.from_bytes(start[:8], "little")
    if length > MAX_HEADER_BYTES or start[8:9] not in (b"{", b""):
        _refuse_disguise(start, length)
    if size < 8 + max(length, 2):
        raise damaged(f"is cut short: it has {size:,} bytes and its header alone needs more")
    file.seek(8)
    raw = file.read(length)
    tensors, metadata = _header(raw)
    _check_layout(tensors, size - 8 - length)
    return Header(raw, tensors, metadata)


def parse(header: Header) -> Manifest:
    """The manifest in a header. Raises ManifestError, unnamed."""
    values = _values(header)
    if values["sha256"] != digest(header.raw):
        raise damaged("is damaged: its header does not match its checksum")
    if not (
        0 <= values["step"] < MAX_STEP
        and all(isinstance(text, str) for text in values["keys"].values())
        and len(values["crc32"]) == len(header.tensors)
        and values["keys"].keys() <= header.tensors.keys()
    ):
        raise damaged("has a manifest that does not fit its tensors")
    return Manifest(**values, tensors=header.tensors)


def digest(raw: bytes) -> str:
    """Of a header that starts with PREFIX and a digest: of all but these digits."""
    state = hashlib.sha256(raw[: len(PREFIX)])
    state.update(raw[len(PREFIX) + DIGEST_HEX :])
    return state.hexdigest()


def metadata(manifest: Manifest) -> dict[str, str]:
    """The metadata of a header, its digest still zeros. ValueError or TypeError: not JSON."""
    values = {each.name: getattr(manifest, each.name) for each in fields(manifest)}
    del values["tensors"]
    ordered = {"sha256": "0" * DIGEST_HEX, **{k: v for k, v in values.items() if k != "sha256"}}
    text = json.dumps(ordered, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return {KEY: text}


def sealed(raw: bytes) -> bytes:
    """The header with its digest filled in."""
    return raw[: len(PREFIX)] + digest(raw).encode() + raw[len(PREFIX) + DIGEST_HEX :]


def _refuse_disguise(start: bytes, length: int) -> NoReturn:
    for magic, what in DISGUISES.items():
        if start.startswith(magic):
            raise ManifestError(f"is {what}, not a checkpoint: {FOREIGN}")
    if length > MAX_HEADER_BYTES and start[8:9] == b"{":
        raise ManifestError(
            f"declares a header of {length:,} bytes, {MAX_HEADER_BYTES:,} are allowed: {FOREIGN}"
        )
    raise ManifestError(f"is not a safetensors file: {FOREIGN}")


def _header(raw: bytes) -> tuple[dict[str, Tensor], dict[str, str]]:
    entries = _json(raw)
    if not isinstance(entries, dict):
        raise damaged("has a header that is not a JSON object")
    metadata = entries.pop("__metadata__", {})
    if not (isinstance(metadata, dict) and all(isinstance(v, str) for v in metadata.values())):
        raise damaged("has metadata that is not text")
    if len(entries) > MAX_TENSORS:
        raise ManifestError(f"holds {len(entries):,} tensors, {MAX_TENSORS:,} are allowed")
    tensors = {name: _tensor(name, entry) for name, entry in entries.items()}
    return dict(sorted(tensors.items(), key=lambda item: item[1].begin)), metadata


def _tensor(name: str, entry: Any) -> Tensor:
    if not is_sane(name):
        raise ManifestError(f"names a tensor {name[:80]!r}, which is no path: {FOREIGN}")
    match entry:
        case {"dtype": str(dtype), "shape": [*shape], "data_offsets": [begin, end], **rest}:
            known = dtype in DTYPE_BYTES and not rest and len(shape) <= MAX_RANK
            sizes = all(map(_is_size, [*shape, begin, end]))
            if known and sizes and _spans(dtype, shape, end - begin):
                return Tensor(dtype, tuple(shape), begin, end)
    raise damaged(f"describes the tensor {name} wrongly")


def _is_size(value: Any) -> bool:
    return type(value) is int and 0 <= value < 1 << 63


def _spans(dtype: str, shape: list[int], size: int) -> bool:
    """Whether these are its bytes; a dimension of none must not hide others beyond all memory."""
    largest = math.prod(length or 1 for length in shape) * DTYPE_BYTES[dtype]
    return math.prod(shape) * DTYPE_BYTES[dtype] == size and largest < 1 << 63


def _check_layout(tensors: Mapping[str, Tensor], size: int) -> None:
    """Each byte after the header belongs to one tensor."""
    place = 0
    for name, tensor in sorted(tensors.items(), key=lambda item: (item[1].begin, item[1].end)):
        if tensor.begin != place:
            raise damaged(f"has a gap or an overlap before the tensor {name}")
        place = tensor.end
    if place > size:
        raise damaged(f"is cut short: {place:,} bytes of tensors declared, {size:,} there")
    if place < size:
        raise damaged(f"has {size - place:,} bytes after its last tensor")


def _values(header: Header) -> dict[str, Any]:
    """The fields of the manifest, each of its type."""
    if not (header.raw.startswith(PREFIX) and list(header.metadata) == [KEY]):
        raise ManifestError(f"has no manifest, or one that another program rewrote: {FOREIGN}")
    values = _json(header.metadata[KEY].encode(errors="surrogatepass"))
    schema = values.get("schema")
    if schema != SCHEMA:
        raise ManifestError(
            f"has a manifest of schema {schema!r}, this version reads {SCHEMA}:"
            " use the version of Palaestra that saved it"
        )
    if values.keys() != _TYPES.keys():
        odd = sorted(values.keys() ^ _TYPES.keys())
        raise damaged(f"has a manifest with missing or unknown fields: {', '.join(odd)[:200]}")
    for name, kind in _TYPES.items():
        if type(values[name]) is not kind:
            raise damaged(f"has a manifest whose {name} is not of type {kind.__name__}")
    return dict(values)


def _json(raw: bytes) -> Any:
    """Strict: no key twice, no number or text that JSON or UTF-8 cannot say, no great depth."""
    try:
        value = json.loads(
            raw.decode(), object_pairs_hook=_object, parse_float=_float, parse_constant=_float
        )
        _check(value, MAX_DEPTH)
    except ManifestError:
        raise
    except (ValueError, RecursionError):
        raise damaged("has a header that is not JSON") from None
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise damaged("has a header with the same key twice")
    return value


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise damaged(f"has a header with the number {text[:20]}")
    return value


def _check(value: Any, left: int) -> None:
    if left == 0:
        raise damaged(f"has a header nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, str) and not value.isascii():
        value.encode()  # a lone surrogate raises UnicodeEncodeError, which is a ValueError
    elif isinstance(value, dict):
        for child in [*value, *value.values()]:
            _check(child, left - 1)
    elif isinstance(value, list):
        for child in value:
            _check(child, left - 1)


def _crc32(file: BinaryIO, size: int) -> str:
    value, left = 0, size
    while left:
        chunk = file.read(min(left, CHUNK_BYTES))
        if not chunk:
            raise damaged("became shorter while it was read")
        value, left = zlib.crc32(chunk, value), left - len(chunk)
    return hex_crc32(value)

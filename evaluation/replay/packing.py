"""Replays as bytes: a header, and the whole JSON of `Environment.toJSON()`, compressed.

What the file holds depends on no rules and no specification of today. Differences from step to
step were measured against this and lost: they take longer, and only few games' files get smaller.
"""

import zlib
from functools import cache
from pkgutil import get_data
from typing import Any

import orjson

from evaluation.errors import InvalidArgument
from evaluation.schema import INT64

FORMAT = 1
MAGIC = b"replay"
HEADER = MAGIC + bytes([FORMAT])
GZIP_MAGIC, GZIP = b"\x1f\x8b", 31  # how replays were kept before they had a format of their own
XZ_MAGIC = b"\xfd7zXZ\x00"
WINDOW = 32 * 1024  # how far back zlib finds a repetition; in longer texts steps are further apart
SIZE_LIMIT = 64 * 1024 * 1024
MEMORY_LIMIT = 32 * 1024 * 1024  # of what unpacks, beside what is unpacked
CONTAINER_LIMIT = 2_000_000  # objects and lists, which weigh far more in memory than in JSON
Replay = dict[str, Any]


def to_bytes(env_json: Replay) -> bytes:
    """The replay, or any other object, packed; the same object gives the same bytes."""
    text = _dump(env_json)
    return HEADER + (_deflated(text) if len(text) <= WINDOW else _xz(text))


def from_bytes(data: bytes) -> Replay:
    """The replay in these bytes; raises InvalidArgument for anything else."""
    text = unpack(data)
    if text.count(b"{") + text.count(b"[") > CONTAINER_LIMIT:
        raise InvalidArgument("The replay holds too many objects and lists.")
    try:
        replay = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InvalidArgument("The replay is damaged.") from error
    if not isinstance(replay, dict):
        raise InvalidArgument("The file holds no replay.")
    return replay


def unpack(data: bytes, limit: int = SIZE_LIMIT) -> bytes:
    """The JSON in these bytes as text, unread; raises InvalidArgument.

    limit: the most bytes that it may have.
    """
    unpacker, body = _opened(data)
    try:
        text: bytes = unpacker.decompress(body, limit)
    except Exception as error:  # zlib's and lzma's own, which share no base
        raise InvalidArgument("The replay is damaged.") from error
    if not unpacker.eof or unpacker.unused_data:
        raise InvalidArgument("The replay is cut, or too large when unpacked.")
    return text


def plain(value: Any) -> Any:
    """A copy as JSON gives it back."""
    return orjson.loads(_dump(value))


def _opened(data: bytes) -> tuple[Any, bytes]:
    """What unpacks the file, and what of the file it unpacks."""
    if data.startswith(GZIP_MAGIC):
        return zlib.decompressobj(wbits=GZIP), data
    body = data[len(HEADER) :]
    if not data.startswith(MAGIC) or not body:
        raise InvalidArgument("The file holds no replay.")
    if not data.startswith(HEADER):
        found = data[len(MAGIC)]
        raise InvalidArgument(f"The replay is of format {found}, this reads format {FORMAT}.")
    if not body.startswith(XZ_MAGIC):
        return zlib.decompressobj(zdict=_dictionary()), body
    import lzma

    return lzma.LZMADecompressor(lzma.FORMAT_XZ, MEMORY_LIMIT), body


def _deflated(text: bytes) -> bytes:
    packer = zlib.compressobj(zdict=_dictionary())
    return packer.compress(text) + packer.flush()


def _xz(text: bytes) -> bytes:
    """The fastest settings; they already take half of what zlib does where steps are large."""
    import lzma  # some builds of Python lack it, and most games never need it

    return lzma.compress(text, check=lzma.CHECK_CRC32, preset=1)


@cache
def _dictionary() -> bytes:
    """What a short replay of our own games repeats. Part of the format: never edit the file."""
    return get_data(str(__package__), f"format_{FORMAT}.txt") or b""


def _dump(value: Any) -> bytes:
    """JSON of anything: what an agent in this process printed or answered may be odd."""
    try:
        return _encode(value)
    except TypeError:
        pass
    try:
        return _encode(_clean(value))
    except (TypeError, RecursionError) as error:
        raise InvalidArgument("The replay holds what JSON cannot carry.") from error


def _encode(value: Any) -> bytes:
    return orjson.dumps(value, default=repr, option=orjson.OPT_SERIALIZE_NUMPY)


def _clean(value: Any) -> Any:
    """The nearest value that the encoder can carry."""
    if isinstance(value, dict):
        return {_clean(str(key)): _clean(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(item) for item in value]
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, int) and not INT64[0] <= value <= INT64[1]:
        return None
    return value

"""Replays: the JSON of `Environment.toJSON()` as bytes, in its public form, and as a page."""

import zlib
from typing import Any

import orjson

from evaluation.errors import InvalidArgument
from evaluation.rendering import page as html
from evaluation.rendering import summary
from evaluation.schema import INT64

__all__ = ["from_bytes", "html", "strip_private", "summary", "to_bytes"]
GZIP = 31  # zlib's window bits for a gzip stream, which browsers unpack by themselves
SIZE_LIMIT = 256 * 1024 * 1024
Replay = dict[str, Any]


def to_bytes(env_json: Replay) -> bytes:
    """Strict JSON in a gzip stream; the same replay gives the same bytes."""
    packer = zlib.compressobj(wbits=GZIP)
    return packer.compress(_dump(env_json)) + packer.flush()


def from_bytes(data: bytes) -> Replay:
    """The replay in these bytes; raises InvalidArgument for anything else."""
    unpacker = zlib.decompressobj(wbits=GZIP)
    try:
        text = unpacker.decompress(data, SIZE_LIMIT)
        replay = orjson.loads(text)
    except (zlib.error, orjson.JSONDecodeError) as error:
        raise InvalidArgument("The replay is damaged.") from error
    if not unpacker.eof or not isinstance(replay, dict):
        raise InvalidArgument("The replay is cut, too large, or no replay.")
    return replay


def strip_private(env_json: Replay) -> Replay:
    """The replay as everybody may see it: of the logs only how long each move took."""
    logs = [
        [{key: log[key] for key in ("duration",) if key in log} for log in step]
        for step in env_json.get("logs", [])
    ]
    return {**env_json, "info": dict(env_json.get("info", {})), "logs": logs}


def _dump(value: Any) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError:  # what an agent in this process printed or answered may be anything
        return orjson.dumps(_clean(value))


def _clean(value: Any) -> Any:
    """The nearest value that JSON can carry."""
    if isinstance(value, dict):
        return {_clean(str(key)): _clean(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(item) for item in value]
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, int) and not INT64[0] <= value <= INT64[1]:
        return None
    return value if isinstance(value, bool | int | float | None) else repr(value)

"""Frames between worker and box: four bytes of length, little-endian, then JSON.

Answers come from strangers: they are read strictly and within bounds that are checked first.
"""

import json
import math
from typing import Any, NoReturn

import orjson

HEADER_BYTES = 4
MAX_DEPTH = 32
INT64 = range(-(2**63), 2**63)


class WireError(Exception):
    """An answer that breaks the protocol. The message is one sentence for the agent's owner."""


def frame(message: dict[str, Any]) -> bytes:
    body = orjson.dumps(message, option=orjson.OPT_NON_STR_KEYS)
    return len(body).to_bytes(HEADER_BYTES, "little") + body


def body_length(buffer: bytes | bytearray) -> int | None:
    """Length of the body that the buffer begins with, once its header is there."""
    if len(buffer) < HEADER_BYTES:
        return None
    return int.from_bytes(buffer[:HEADER_BYTES], "little")


def parse(body: bytes | bytearray, seq: int) -> dict[str, Any]:
    """The answer to question `seq`: an object of plain, finite, 64-bit JSON values."""
    try:
        message = _DECODER.decode(body.decode())
        _check(message)
    except (ValueError, RecursionError) as error:
        raise WireError(f"The answer is not plain JSON: {_reason(error)}.") from error
    if not isinstance(message, dict) or type(message.get("seq")) is not int:
        raise WireError("The answer is not an object with a sequence number.")
    if message["seq"] != seq:
        raise WireError("The answer belongs to another question.")
    return message


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "nested too deeply"
    if isinstance(error, json.JSONDecodeError | UnicodeError):
        return "malformed"
    return str(error)[:80]


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number")


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


def _check(message: Any) -> None:
    """Walks the value without recursion: depth, range of numbers, whole characters."""
    pending = [(message, 1)]
    while pending:
        value, depth = pending.pop()
        if isinstance(value, dict | list):
            if depth > MAX_DEPTH:
                raise ValueError("nested too deeply")
            if isinstance(value, dict):
                pending += [(key, depth) for key in value]
                value = value.values()
            pending += [(item, depth + 1) for item in value]
        else:
            _check_scalar(value)


def _check_scalar(value: Any) -> None:
    if isinstance(value, str):
        if not value.isascii():
            value.encode()
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError("a number is infinite")
    elif isinstance(value, int) and value not in INT64:
        raise ValueError("an integer is beyond 64 bits")

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
    """An answer that breaks the protocol; in one sentence."""


class BadValue(WireError):
    """A well-formed answer that carries a value which is not allowed; in one sentence."""


class Unfit(ValueError):
    """What a value is that may not cross, as it ends the sentence "The answer holds …"."""


def frame(message: dict[str, Any]) -> bytes:
    body = orjson.dumps(message, option=orjson.OPT_NON_STR_KEYS)
    return len(body).to_bytes(HEADER_BYTES, "little") + body


def body_length(buffer: bytes | bytearray) -> int | None:
    """Length of the body that the buffer begins with, once its header is there."""
    if len(buffer) < HEADER_BYTES:
        return None
    return int.from_bytes(buffer[:HEADER_BYTES], "little")


def parse(body: bytes | bytearray, seq: int) -> dict[str, Any]:
    """The answer to question `seq`."""
    message = loads(body)
    if not isinstance(message, dict) or type(message.get("seq")) is not int:
        raise WireError("The answer is not an object with a sequence number.")
    if message["seq"] != seq:
        raise WireError("The answer belongs to another question.")
    return message


def loads(body: bytes | bytearray) -> Any:
    """Strict JSON: plain, finite, 64-bit values, not nested too deeply. Raises WireError."""
    try:
        value = _DECODER.decode(body.decode())
        _check(value)
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise WireError("The answer is not JSON.") from error
    except RecursionError as error:
        raise BadValue("The answer is nested too deeply.") from error
    except Unfit as error:
        raise BadValue(f"The answer holds {error}.") from error
    except ValueError as error:  # Python itself refuses to read a number of so many digits
        raise BadValue("The answer holds an integer beyond 64 bits.") from error
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise Unfit(f"{name}, which is not a number")


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


def _check(message: Any) -> None:
    """Walks the value without recursion: depth, range of numbers, whole characters."""
    pending = [(message, 1)]
    while pending:
        value, depth = pending.pop()
        if isinstance(value, dict | list):
            if depth > MAX_DEPTH:
                raise RecursionError
            if isinstance(value, dict):
                pending += [(key, depth) for key in value]
                value = value.values()
            pending += [(item, depth + 1) for item in value]
        else:
            _check_scalar(value)


def _check_scalar(value: Any) -> None:
    if isinstance(value, str):
        if not value.isascii() and not _is_whole(value):
            raise Unfit("half a character")
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise Unfit("an infinite number")
    elif isinstance(value, int) and value not in INT64:
        raise Unfit("an integer beyond 64 bits")


def _is_whole(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)

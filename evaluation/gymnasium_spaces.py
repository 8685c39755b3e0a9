"""Spaces of Gymnasium from JSON schemas, and the way of a value into such a space and back."""

import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np
from gymnasium import spaces  # type: ignore[import-not-found,unused-ignore]

from evaluation.errors import InvalidArgument

MOST_CHOICES = 2**16
LONGEST_TEXT = 1000
MISSING: Any = object()


@dataclass(frozen=True)
class Codec:
    """A space, and how a value of JSON becomes an element of it and back.

    What is not there (None) becomes the element that stands for it, see `derive`.
    """

    space: spaces.Space[Any]
    encode: Callable[[Any], Any]
    decode: Callable[[Any], Any]


def given(
    space: spaces.Space[Any] | None,
    encode: Callable[[Any], Any] | None = None,
    decode: Callable[[Any], Any] | None = None,
) -> Codec | None:
    """A space of the user's own; without a function, its elements are the values."""
    if space is None:
        return None
    return Codec(space, encode or (lambda value: value), decode or plain)


def plain(element: Any) -> Any:
    """An element of any space in the types of JSON; an array with one number is that number."""
    if isinstance(element, np.ndarray) and element.size == 1:
        return element.item()
    if isinstance(element, np.ndarray | np.generic):
        return element.tolist()
    if isinstance(element, Mapping):
        return {key: plain(item) for key, item in element.items()}
    if isinstance(element, tuple | list):
        return [plain(item) for item in element]
    return element


def derive(schema: Mapping[str, Any], example: Any = MISSING, path: str = "") -> Codec:
    """The space of a schema's values; raises InvalidArgument where it cannot be told.

    Few values become Discrete, numbers and grids of numbers Box, objects Dict, lists of anything
    else Sequence, text Text. example: a value, for what the schema leaves open. Where a value may
    lack, Discrete has one more element, below the others; elsewhere the zero of its kind stands
    for it.
    """
    if "enum" in schema:
        return _choice(list(schema["enum"]), _may_lack(schema, example))
    kind = _kind(schema, example)
    if kind not in DERIVERS:
        raise _underivable(path)
    return DERIVERS[kind](schema, example, path)


def _underivable(path: str, reason: str = "cannot be derived") -> InvalidArgument:
    """path: begins with `observation` or `action`."""
    return InvalidArgument(f"The space of the {path} {reason}: give an {path.split('.')[0]}_space.")


def _kind(schema: Mapping[str, Any], example: Any) -> str | None:
    """The first type that is listed; without one, that of the example or the default."""
    kinds = schema.get("type") or []
    kinds = [kind for kind in ([kinds] if isinstance(kinds, str) else kinds) if kind != "null"]
    if kinds:
        return str(kinds[0])
    value = schema.get("default") if example in (MISSING, None) else example
    names = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array"}
    return "object" if isinstance(value, Mapping) else names.get(type(value))


def _may_lack(schema: Mapping[str, Any], example: Any) -> bool:
    return example is None or "null" in schema.get("type", ())


def _choice(values: list[Any], may_lack: bool) -> Codec:
    """One of these values: consecutive integers stand for themselves, others by their place."""
    present = [value for value in values if value is not None]
    may_lack = may_lack or len(present) < len(values)
    if all(type(value) is int for value in present):
        low, high = min(present), max(present)
        if sorted(present) == list(range(low, high + 1)):
            return _discrete(low, high, may_lack)
    codes = _discrete(0, len(present) - 1, may_lack)
    return Codec(
        codes.space,
        lambda value: codes.encode(None if value is None else present.index(value)),
        lambda element: None if (code := codes.decode(element)) is None else present[code],
    )


def _discrete(low: int, high: int, may_lack: bool) -> Codec:
    start = low - may_lack
    missing = start if may_lack else None
    return Codec(
        spaces.Discrete(high - start + 1, start=start),
        lambda value: np.int64(start if value is None else value),
        lambda element: None if element == missing else int(element),
    )


def _boolean(schema: Mapping[str, Any], example: Any, path: str) -> Codec:
    return _choice([False, True], _may_lack(schema, example))


def _integer(schema: Mapping[str, Any], example: Any, path: str) -> Codec:
    low, high = _bounds(schema)
    if high - low < MOST_CHOICES:
        return _discrete(int(low), int(high), _may_lack(schema, example))
    return _box((low, high), (1,), np.int64, path, lambda array: array.item())


def _number(schema: Mapping[str, Any], example: Any, path: str) -> Codec:
    return _box(_bounds(schema), (1,), np.float64, path, lambda array: array.item())


def _text(schema: Mapping[str, Any], example: Any, path: str) -> Codec:
    longest = schema.get("maxLength", LONGEST_TEXT)
    space = spaces.Text(longest, min_length=0, charset=string.printable)

    def encode(value: Any) -> str:
        if not space.contains(value or ""):
            raise _underivable(path, "does not hold every text")
        return str(value or "")

    return Codec(space, encode, str)


def _array(schema: Mapping[str, Any], example: Any, path: str) -> Codec:
    """Numbers of the example's shape, or of the shape that the schema fixes; else a Sequence.

    minItems below maxItems say that the length varies.
    """
    items, given = schema.get("items") or {}, example if isinstance(example, list) else []
    if isinstance(items, list):
        return _tuple(items, given, path)
    grid = None if _varies(schema) else _grid(given) if given else _fixed_grid(schema)
    if grid is not None:
        inmost = _inmost(schema)
        return _box(_bounds(inmost), grid.shape, grid.dtype, path, lambda array: array.tolist())
    item = derive(items, given[0] if given else MISSING, f"{path}[]")
    return Codec(
        spaces.Sequence(item.space),
        lambda value: tuple(map(item.encode, value or ())),
        lambda element: list(map(item.decode, element)),
    )


def _tuple(items: list[Any], example: list[Any], path: str) -> Codec:
    """A list with a schema for each place."""
    given = [*example, *[MISSING] * len(items)]
    parts = [derive(schema, given[place], f"{path}[{place}]") for place, schema in enumerate(items)]

    def encode(value: Any) -> tuple[Any, ...]:
        whole = value or [None] * len(parts)
        return tuple(part.encode(item) for part, item in zip(parts, whole, strict=True))

    def decode(element: Any) -> list[Any]:
        return [part.decode(item) for part, item in zip(parts, element, strict=True)]

    return Codec(spaces.Tuple([part.space for part in parts]), encode, decode)


def _varies(schema: Mapping[str, Any]) -> bool:
    """Whether it says so: then the example's length is one of many."""
    return "minItems" in schema and bool(schema["minItems"] < schema.get("maxItems", inf))


def _grid(example: list[Any]) -> Any:
    """The list as an array of numbers; None where it is none."""
    try:
        array = np.array(example)
    except ValueError:  # rows of different lengths
        return None
    types = {"i": np.int64, "u": np.int64, "b": np.int64, "f": np.float64}
    return array.astype(types[array.dtype.kind]) if array.dtype.kind in types else None


def _fixed_grid(schema: Mapping[str, Any]) -> Any:
    """Zeros of the shape that the schema fixes; None where it does not, or not for numbers."""
    shape = []
    while schema.get("type") == "array":
        if not schema.get("minItems") or schema["minItems"] != schema.get("maxItems"):
            return None
        shape.append(schema["minItems"])
        schema = schema.get("items") or {}
    types = {"integer": np.int64, "number": np.float64}
    kind = schema.get("type") or ("integer" if "enum" in schema else None)
    return np.zeros(shape, types[kind]) if shape and kind in types else None


def _inmost(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    while isinstance(schema.get("items"), Mapping):
        schema = schema["items"]
    return schema


def _bounds(schema: Mapping[str, Any]) -> tuple[float, float]:
    values = schema.get("enum") or [schema.get("minimum", -inf), schema.get("maximum", inf)]
    return min(values), max(values)


def _box(
    bounds: tuple[float, float],
    shape: tuple[int, ...],
    dtype: Any,
    path: str,
    decode: Callable[[Any], Any],
) -> Codec:
    zero = np.clip(np.zeros(shape), *bounds)

    def encode(value: Any) -> Any:
        array = np.array(zero if value is None else value, dtype)
        if array.size != zero.size:
            raise _underivable(path, "varies in size")
        return array.reshape(shape)

    return Codec(spaces.Box(*bounds, shape, dtype), encode, decode)


def _object(schema: Mapping[str, Any], example: Any, path: str) -> Codec:
    """The schema's properties, and what else the example holds."""
    fields, given = schema.get("properties") or {}, example if isinstance(example, Mapping) else {}
    default = None if given else MISSING
    parts = {
        name: derive(fields.get(name) or {}, given.get(name, default), f"{path}.{name}")
        for name in dict.fromkeys([*fields, *given])
    }
    if not parts:
        raise _underivable(path)
    return Codec(
        spaces.Dict({name: part.space for name, part in parts.items()}),
        lambda value: {name: part.encode((value or {}).get(name)) for name, part in parts.items()},
        lambda element: {
            name: value
            for name, part in parts.items()
            if (value := part.decode(element[name])) is not None
        },
    )


DERIVERS: dict[str, Callable[[Mapping[str, Any], Any, str], Codec]] = {
    "array": _array,
    "boolean": _boolean,
    "integer": _integer,
    "number": _number,
    "object": _object,
    "string": _text,
}

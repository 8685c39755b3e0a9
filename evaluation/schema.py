"""JSON schemas with defaults. A compiled check passes what is usual at once; what it does not
recognise goes to jsonschema, which gives the verdict and the words."""

from collections.abc import Callable
from copy import deepcopy
from functools import cached_property
from math import inf
from sys import float_info
from typing import Any

from evaluation.errors import InvalidArgument
from evaluation.utils import ATOMS

Check = Callable[[Any], bool]
MESSAGE_LIMIT = 300
INT64 = (-(2**63), 2**63 - 1)
FLOAT = (-float_info.max, float_info.max)
ANNOTATIONS = {
    "description",
    "title",
    "default",
    "defaults",
    "shared",
    "hidden",
    "transient",
    "examples",
}
# `items` is documentation here: kaggle-environments drops it before it validates, and games
# and agents rely on that.
IGNORED = ANNOTATIONS | {"items"}
BOUNDS = {"minimum", "maximum", "minItems", "maxItems"}
KNOWN = IGNORED | BOUNDS | {"type", "enum", "properties", "additionalProperties"}


class Schema:
    """A schema and its defaults."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self.schema = schema
        self.accepts = compile_check(schema)

    def complete(self, value: Any, name: str) -> Any:
        """The value with defaults filled in: itself where nothing lacks. Raises InvalidArgument."""
        if self.accepts(value):
            return value
        try:
            filled = fill(self.schema, deepcopy(value))
            complaint = None if self.accepts(filled) else self._complaint(filled)
        except Exception as error:  # copying and printing a foreign object runs foreign code
            raise InvalidArgument(f"The {name} is not a plain value.") from error
        if complaint:
            raise InvalidArgument(f"The {name} is invalid: {complaint}.")
        return filled

    def _complaint(self, value: Any) -> str | None:
        from jsonschema.exceptions import best_match  # 80 ms: only for what was not recognised

        error = best_match(self._validator.iter_errors(value))
        if error is None:
            return None
        where = "".join(f"{step}: " for step in error.absolute_path)
        text = f"{where}{error.message}"
        return text if len(text) <= MESSAGE_LIMIT else f"{text[: MESSAGE_LIMIT - 1]}…"

    @cached_property
    def _validator(self) -> Any:
        from jsonschema import Draft202012Validator

        return Draft202012Validator(_enforced(self.schema))


def fill(schema: dict[str, Any], value: Any) -> Any:
    """The value, changed in place, with the schema's defaults for what it lacks.

    Null counts as lacking; where an object or list is due, anything else does too.
    """
    kind, default = schema.get("type"), schema.get("default")
    if value is None and default is None:
        return None
    if kind == "object":
        default = deepcopy(default) if isinstance(default, dict) else {}
        return _fill_object(schema, default, value if isinstance(value, dict) else default)
    if kind == "array":
        default = deepcopy(default) if isinstance(default, list) else []
        return _fill_array(default, value if isinstance(value, list) else default)
    return deepcopy(default) if value is None else value


def _fill_object(
    schema: dict[str, Any], default: dict[str, Any], value: dict[str, Any]
) -> dict[str, Any]:
    for key, item in default.items():
        value.setdefault(key, item)
    for key, field in (schema.get("properties") or {}).items():
        filled = fill(field, value.get(key))
        if filled is not None:
            value[key] = filled
    return value


def _fill_array(default: list[Any], value: list[Any]) -> list[Any]:
    for index, item in enumerate(default[: len(value)]):
        if value[index] is None:
            value[index] = item
    return value


def portable(value: Any, name: str, levels: int = 100) -> Any:
    """A copy in plain JSON types, made without running code of the value's own.

    Raises InvalidArgument for what strict JSON cannot carry, or no reader of it takes: NaN,
    integers of more than 64 bits, lone surrogates, a hundred levels of nesting, other types.
    """
    kind = type(value)
    if issubclass(kind, dict) and levels:
        items = dict.items(value)
        return {portable(key, name, 0): portable(item, name, levels - 1) for key, item in items}
    if issubclass(kind, list) and levels:
        return [portable(item, name, levels - 1) for item in list.__iter__(value)]
    if kind is bool or value is None:
        return value
    if issubclass(kind, int) and INT64[0] <= (number := int.__int__(value)) <= INT64[1]:
        return number
    if issubclass(kind, float) and -inf < (real := float.__float__(value)) < inf:
        return real
    if issubclass(kind, str) and _is_text(text := str.__str__(value)):
        return text
    raise InvalidArgument(f"The {name} is invalid: it holds what JSON has no form for.")


def _is_text(value: str) -> bool:
    return value.isprintable() or not any("\ud800" <= letter <= "\udfff" for letter in value)


def compile_check(schema: Any) -> Check:
    """True only for values that are valid and lack no default; False decides nothing."""
    if not isinstance(schema, dict) or schema.keys() - KNOWN:
        return _never
    kinds = schema.get("type", [])
    kinds = kinds if isinstance(kinds, list) else [kinds]
    if not all(isinstance(kind, str) and kind in COMPILERS for kind in kinds):
        return _never
    checks = [COMPILERS[kind](schema) for kind in kinds or SCALARS]
    check = checks[0] if len(checks) == 1 else _either(checks)
    return _one_of(schema["enum"], check) if "enum" in schema else check


def _never(value: Any) -> bool:
    return False


def _either(checks: list[Check]) -> Check:
    first, *rest = checks
    other = _either(rest) if len(rest) > 1 else rest[0]
    return lambda value: first(value) or other(value)


def _one_of(values: list[Any], check: Check) -> Check:
    allowed = {(type(value), value) for value in values if type(value) in ATOMS and check(value)}
    return lambda value: type(value) in ATOMS and (type(value), value) in allowed


def _integer(schema: dict[str, Any]) -> Check:
    low = max(schema.get("minimum", INT64[0]), INT64[0])
    high = min(schema.get("maximum", INT64[1]), INT64[1])
    return lambda value: type(value) is int and low <= value <= high


def _number(schema: dict[str, Any]) -> Check:
    integer = _integer(schema)
    low, high = schema.get("minimum", FLOAT[0]), schema.get("maximum", FLOAT[1])
    return lambda value: (
        integer(value)
        or (type(value) is float and low <= value <= high and FLOAT[0] <= value <= FLOAT[1])
    )


def _string(schema: dict[str, Any]) -> Check:
    return lambda value: type(value) is str and value.isascii()


def _boolean(schema: dict[str, Any]) -> Check:
    return lambda value: type(value) is bool


def _null(schema: dict[str, Any]) -> Check:
    lacking = schema.get("default") is not None
    return lambda value: value is None and not lacking


def _array(schema: dict[str, Any]) -> Check:
    low, high = schema.get("minItems", 0), schema.get("maxItems", inf)
    has_default = bool(schema.get("default"))
    return lambda value: (
        isinstance(value, list)
        and low <= len(value) <= high
        and not (has_default and None in value)
    )


def _object(schema: dict[str, Any]) -> Check:
    properties, others = schema.get("properties") or {}, schema.get("additionalProperties", True)
    default = schema.get("default")
    needed = set(default if isinstance(default, dict) else ())
    needed |= {key for key, field in properties.items() if fill(field, None) is not None}
    parts = [(key, compile_check(field), key in needed) for key, field in properties.items()]
    others_needed = needed - properties.keys()
    accepts_other = compile_check(others) if isinstance(others, dict) else lambda value: others

    def check(value: Any) -> bool:
        if not isinstance(value, dict) or (others_needed and not others_needed <= value.keys()):
            return False
        known = 0
        for key, part, is_needed in parts:
            if key in value:
                if not part(value[key]):
                    return False
                known += 1
            elif is_needed:
                return False
        return others is True or known == len(value) or _accept_others(value)

    def _accept_others(value: dict[str, Any]) -> bool:
        return all(accepts_other(item) for key, item in value.items() if key not in properties)

    return check


SCALARS = ("integer", "number", "string", "boolean")
COMPILERS: dict[str, Callable[[dict[str, Any]], Check]] = {
    "integer": _integer,
    "number": _number,
    "string": _string,
    "boolean": _boolean,
    "null": _null,
    "array": _array,
    "object": _object,
}


def _enforced(schema: Any) -> Any:
    """The schema without what is documentation only."""
    if not isinstance(schema, dict):
        return schema
    kept = {key: value for key, value in schema.items() if key not in IGNORED}
    if isinstance(kept.get("properties"), dict):
        kept["properties"] = {key: _enforced(field) for key, field in kept["properties"].items()}
    return kept

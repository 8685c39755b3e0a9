"""Frozen dataclasses from JSON and back: unknown keys, wrong types and impossible values refused.

A field may say more in its metadata: `minimum`, `maximum`, `choices`.
"""

import dataclasses
import difflib
import json
import math
import types
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from training.errors import ConfigError

OBJECT = "an object of whole numbers"
# {"rows": 6, …}: whole numbers by name, kept as sorted pairs, so that configs can be hashed.
Options = Annotated[tuple[tuple[str, int], ...], OBJECT]
SHOWN = 60  # characters of a wrong value that an error repeats


def build(
    kind: type, data: object, where: str = "", ready: Mapping[str, Any] = types.MappingProxyType({})
) -> Any:
    """`kind`, a dataclass, from a JSON object. Raises ConfigError.

    where: its dotted key. ready: values of fields that are no part of the JSON.
    """
    given = as_object(data, where)
    fields = {
        field.name: field
        for field in dataclasses.fields(kind)
        if field.init and field.name not in ready
    }
    refuse_unknown(given, fields, where)
    hints = get_type_hints(kind, include_extras=True)
    values = dict(ready)
    for name, field in fields.items():
        key = _join(where, name)
        if name in given:
            values[name] = _bounded(_typed(hints[name], given[name], key), field, key)
        elif _is_required(field):
            raise ConfigError(f'The key "{key}" is missing.')
    return made(kind, values, where)


def made(kind: Callable[..., Any], values: Mapping[str, Any], where: str) -> Any:
    """kind(**values), its clashes (ValueError) told with their place."""
    try:
        return kind(**values)
    except ConfigError:
        raise
    except ValueError as error:
        raise ConfigError(f"{where}: {error}" if where else str(error)) from error


def plain(value: Any) -> Any:
    """The JSON form of a dataclass: `build` makes an equal one of it."""
    if not dataclasses.is_dataclass(value) or isinstance(value, type):
        return list(value) if isinstance(value, tuple) else value
    hints = get_type_hints(type(value), include_extras=True)
    return {
        field.name: _plain_field(hints[field.name], getattr(value, field.name))
        for field in dataclasses.fields(value)
        if field.init
    }


def as_object(data: object, where: str) -> dict[str, Any]:
    if isinstance(data, dict):
        return data
    raise wrong(where, "an object", data)


def refuse_unknown(given: Iterable[str], known: Iterable[str], where: str) -> None:
    """Raises ConfigError that names the first unknown key and the nearest known one."""
    known = list(known)
    for key in given:
        if key not in known:
            place = f" in {named(where)}" if where else ""
            raise ConfigError(f"There is no key {named(key)}{place}{nearest(key, known)}.")


def nearest(name: str, known: Iterable[str]) -> str:
    """The second half of a refusal: the known name that was meant, or all of them."""
    known = sorted(known)
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    if close:
        return f'; the nearest is "{close[0]}"'
    return f" (there are {', '.join(known)})" if known else ""


def wrong(where: str, wanted: str, value: object) -> ConfigError:
    name = named(where) if where else "The configuration"
    return ConfigError(f"{name} must be {wanted}, not {named(value)}.")


def named(value: object) -> str:
    """For a sentence: in quotes, on one line, and not all of it where it is long."""
    text = _as_json(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def _typed(hint: Any, value: object, where: str) -> Any:
    """The value as the annotation has it."""
    if hint == Options:
        return _options(value, where)
    if get_origin(hint) in (Union, types.UnionType):
        return _optional(hint, value, where)
    if get_origin(hint) is tuple:
        return _tuple(get_args(hint)[0], value, where)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return build(hint, value, where)
    return _scalar(hint, value, where)


def _options(value: object, where: str) -> tuple[tuple[str, int], ...]:
    pairs = as_object(value, where).items()
    return tuple(sorted((name, _scalar(int, item, _join(where, name))) for name, item in pairs))


def _optional(hint: Any, value: object, where: str) -> Any:
    kinds = [kind for kind in get_args(hint) if kind is not type(None)]
    if value is None and len(kinds) < len(get_args(hint)):
        return None
    return _typed(kinds[0], value, where)


def _tuple(kind: Any, value: object, where: str) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise wrong(where, "a list", value)
    return tuple(_typed(kind, item, f"{where}[{place}]") for place, item in enumerate(value))


def _scalar(kind: Any, value: object, where: str) -> Any:
    if kind is float and type(value) in (int, float):
        return _finite(value, where)
    if type(value) is kind:
        return value
    raise wrong(where, NAMES.get(kind, str(kind)), value)


NAMES = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}


def _finite(value: Any, where: str) -> float:
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise wrong(where, "a finite number", value)
    return number


def _bounded(value: Any, field: "dataclasses.Field[Any]", where: str) -> Any:
    """The value, if the field's metadata allow it."""
    bounds = field.metadata
    if value is None:
        return value
    if "choices" in bounds and value not in bounds["choices"]:
        names = ", ".join(_as_json(choice) for choice in bounds["choices"])
        raise wrong(where, f"one of {names}", value)
    if "minimum" in bounds and value < bounds["minimum"]:
        raise wrong(where, f"at least {bounds['minimum']}", value)
    if "maximum" in bounds and value > bounds["maximum"]:
        raise wrong(where, f"at most {bounds['maximum']}", value)
    return value


def _is_required(field: "dataclasses.Field[Any]") -> bool:
    missing = dataclasses.MISSING
    return field.default is missing and field.default_factory is missing


def _plain_field(hint: Any, value: Any) -> Any:
    if hint == Options:
        return dict(value)
    return [plain(item) for item in value] if isinstance(value, tuple) else plain(value)


def _join(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def _as_json(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=repr)
    return text if text.isprintable() else json.dumps(value, default=repr)

"""Structs, their copies, and the small functions that users of kaggle-environments import."""

import json
import os
import random
from collections.abc import Callable, Iterable
from copy import deepcopy
from operator import itemgetter
from typing import Any

from evaluation.errors import InvalidArgument, NotFound

ATOMS = frozenset({int, float, str, bool, type(None)})
NUMBERS = (int, float)
SHORT = 8
_are_atoms = ATOMS.issuperset


class MissingKey(KeyError, AttributeError):
    """Both, because a Struct is read both ways."""


class Fixed(type):
    """A class that nobody who holds an instance can edit: other episodes use it too."""

    def __setattr__(cls, name: str, value: Any) -> None:
        raise TypeError("The class of a Struct cannot be changed.")

    def __delattr__(cls, name: str) -> None:
        raise TypeError("The class of a Struct cannot be changed.")


class Struct(dict[str, Any], metaclass=Fixed):
    """A dict whose items are attributes too: `obs.board` and `obs["board"]` are one thing."""

    __slots__ = ()

    def __missing__(self, name: str) -> Any:
        raise MissingKey(name)

    def __reduce__(self) -> tuple[Any, ...]:
        return Struct, (), None, None, iter(self.items())

    # Slots of dict itself: an attribute costs no Python frame.
    __getattr__ = dict.__getitem__
    __setattr__ = dict.__setitem__
    __delattr__ = dict.__delitem__


def shape(names: Iterable[str]) -> type[Struct]:
    """A Struct class that finds these attributes at once, not after a failed look-up."""
    readers = {
        name: property(itemgetter(name))
        for name in names
        if name.isidentifier() and not hasattr(Struct, name)
    }
    made: Any = Fixed("Struct", (Struct,), {"__slots__": (), **readers})
    return made  # type: ignore[no-any-return]


class Edited(list[Any]):
    """What a Row is once somebody has written to it: it may hold anything."""

    __slots__ = ()


class Row(list[Any]):
    """A list in an episode's history that holds scalars only, so that a slice is a full copy."""

    __slots__ = ()


def _editing(name: str) -> Callable[..., Any]:
    write = getattr(list, name)

    def edit(self: Row, *arguments: Any) -> Any:
        self.__class__ = Edited  # type: ignore[assignment]
        return write(self, *arguments)

    return edit


for _name in ("append", "extend", "insert", "__setitem__", "__iadd__"):
    setattr(Row, _name, _editing(_name))


def _is_flat(value: list[Any]) -> bool:
    """Whether a list holds scalars only."""
    if len(value) > SHORT and type(value[0]) in NUMBERS:
        try:
            return type(sum(value)) in NUMBERS or _are_atoms(map(type, value))
        except (TypeError, OverflowError):
            pass  # a sum tells of numbers alone, at a tenth of the cost
    return _are_atoms(map(type, value))


def _copier(flat: type[list[Any]]) -> Callable[[Any], Any]:
    """A deep copy of dicts and lists into Structs and lists; what holds scalars only is `flat`."""

    def copy(value: Any) -> Any:
        kind = type(value)
        if kind is Row:
            return flat(value)
        if kind in ATOMS:
            return value
        if issubclass(kind, dict):
            made = kind(value) if issubclass(kind, Struct) else Struct(value)
            if not _are_atoms(map(type, made.values())):
                for key, item in made.items():
                    if type(item) not in ATOMS:
                        made[key] = copy(item)
            return made
        if issubclass(kind, list):
            if _is_flat(value):
                return flat(value)
            return [copy(item) for item in value]
        return deepcopy(value)  # tuples, sets, arrays: what games from elsewhere may hold

    return copy


structify = _copier(list)
record = _copier(Row)


def arity(function: Callable[..., Any]) -> int | None:
    """How many of the engine's arguments a game's function takes; None: all."""
    code = getattr(function, "__code__", None)
    return None if code is None else int(code.co_argcount)


def plain(value: Any) -> Any:
    """A copy in plain dicts and lists, ready for JSON."""
    if isinstance(value, dict):
        return {key: item if type(item) in ATOMS else plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [item if type(item) in ATOMS else plain(item) for item in value]
    return value


def has(
    o: Any,
    classinfo: Any = None,
    default: Any = None,
    path: Iterable[Any] | None = None,
    is_callable: bool | None = None,
) -> bool:
    """Whether `o` holds, under `path`, a value of this class; changes nothing."""
    try:
        for key in path or ():
            o = o[key]
    except (KeyError, IndexError, TypeError):
        return False
    return (classinfo is None or isinstance(o, classinfo)) and callable(o) is bool(is_callable)


def get(
    o: Any,
    classinfo: Any = None,
    default: Any = None,
    path: Iterable[Any] | None = None,
    is_callable: bool | None = None,
    fallback: Any = None,
) -> Any:
    """The value under `path` if it is there and of this class, else the default, else fallback."""
    path = list(path or ())
    if (o is None and default is not None) or not has(o, classinfo, None, path, is_callable):
        return fallback if default is None else default
    for key in path:
        o = o[key]
    return o


def read_file(path: str | os.PathLike[str], fallback: str | None = None) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        if fallback is not None:
            return fallback
        raise NotFound(f"{path} cannot be read.") from error


def get_file_json(path: str | os.PathLike[str], fallback: Any = None) -> Any:
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError) as error:
        if fallback is not None:
            return fallback
        raise InvalidArgument(f"{path} does not hold valid JSON.") from error


def resolve_episode_seed(
    env: Any, *, config_key: str = "seed", fallback: Callable[[], int] | None = None
) -> int:
    """The seed for an interpreter's own draws: from info, the configuration, or drawn now.

    It is kept in `env.info` and blanked in the configuration.
    """
    seed = env.info.get("seed")
    if seed is None:
        seed = env.configuration.get(config_key)
    if seed is None:
        seed = fallback() if fallback else random.randrange(2**31)
    env.configuration[config_key] = None
    env.info["seed"] = seed
    return int(seed)

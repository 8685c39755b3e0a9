"""What the command line and the HTTP server are asked to do: one request, read and checked."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from evaluation.errors import InvalidArgument

ACTIONS = ("list", "evaluate", "run", "step", "load", "act", "dispose")
# As in kaggle-environments, what would go to a terminal or a notebook is returned instead.
MODES = {"json": "json", "ansi": "ansi", "human": "ansi", "txt": "ansi"}
MODES |= {"html": "html", "ipython": "html"}
TRUE, FALSE = ("true", "1", "yes", "on"), ("false", "0", "no", "off", "")
# What the box takes no notice of, since the league always plays from the beginning.
NOT_BOXED = ("debug", "info", "logs", "state", "steps")


@dataclass(frozen=True)
class Request:
    """One action with all it needs.

    limits: of a boxed episode, those of a competition that differ from the usual ones.
    render: the mode and options of `Environment.render`. seed: of everything drawn by chance.
    session: tells apart agents that `act` keeps. is_trusted: whether code may be run for it.
    """

    action: str = "list"
    environment: str = ""
    agents: list[Any] = field(default_factory=list)
    configuration: dict[str, Any] = field(default_factory=dict)
    info: dict[str, Any] = field(default_factory=dict)
    steps: list[Any] = field(default_factory=list)
    logs: list[Any] = field(default_factory=list)
    state: dict[str, Any] = field(default_factory=dict)
    render: dict[str, Any] = field(default_factory=dict)
    episodes: int = 1
    seed: int | None = None
    debug: bool = False
    box: bool = False
    limits: dict[str, Any] = field(default_factory=dict)
    session: str = ""
    is_trusted: bool = True

    @classmethod
    def read(cls, fields: Mapping[str, Any], is_trusted: bool = True) -> "Request":
        """From fields as they came: JSON values, or text that stands for them.

        A field that is missing or null has its default, and one of another name is passed over,
        as a replay has some. Raises InvalidArgument.
        """
        fields = {"environment": fields.get("name"), **_without_nulls(fields)}
        known = {
            name: read(name, fields[name])
            for name, read in READERS.items()
            if fields.get(name) is not None
        }
        request = cls(**{**known, "render": _render(fields)}, is_trusted=is_trusted)
        request._check()
        return request

    def _check(self) -> None:
        if self.action not in ACTIONS:
            raise InvalidArgument(f"There is no action {self.action!r}: {', '.join(ACTIONS)}.")
        if self.action not in ("list", "dispose") and not self.environment:
            raise InvalidArgument("An environment is needed.")
        if self.action == "act" and len(self.agents) != 1:
            raise InvalidArgument(f"One agent must act, {len(self.agents)} were given.")
        given = [name for name in NOT_BOXED if getattr(self, name)]
        if self.box and given:
            raise InvalidArgument(f"A boxed episode takes no {given[0]}: leave it out.")
        if self.limits and not self.box:
            raise InvalidArgument("Limits are those of a box: add --box.")

    @property
    def mode(self) -> str:
        return str(self.render["mode"])


def _without_nulls(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _render(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The options of render; `display` is short for its mode."""
    options = _object("render", fields.get("render") or {})
    mode = fields.get("display") or options.get("mode", "json")
    if not isinstance(mode, str) or mode not in MODES:
        raise InvalidArgument(f"There is no render mode {mode!r}: use json, ansi or html.")
    return {**options, "mode": MODES[mode]}


def parse_json(name: str, text: str) -> Any:
    """Raises InvalidArgument with one sentence, however the text is broken."""
    try:
        return json.loads(text)
    except RecursionError:
        raise InvalidArgument(f"The {name} is nested too deeply.") from None
    except ValueError as error:
        raise InvalidArgument(f"The {name} is not JSON: {error}.") from None


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise InvalidArgument(f"The {name} must be text.")
    return value


def _from_json(name: str, value: Any) -> Any:
    return parse_json(name, value) if isinstance(value, str) else value


def _object(name: str, value: Any) -> dict[str, Any]:
    value = _from_json(name, value)
    if not isinstance(value, dict):
        raise InvalidArgument(f"The {name} must be a JSON object.")
    return value


def _list(name: str, value: Any) -> list[Any]:
    value = _from_json(name, value)
    if not isinstance(value, list):
        raise InvalidArgument(f"The {name} must be a JSON list.")
    return value


def read_integer(name: str, value: Any) -> int:
    value = _from_json(name, value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidArgument(f"The {name} must be a whole number.")
    return value


def _count(name: str, value: Any) -> int:
    count = read_integer(name, value)
    if count < 1:
        raise InvalidArgument(f"The number of {name} must be at least 1.")
    return count


def read_flag(name: str, value: Any) -> bool:
    word = str(value).lower()
    if word not in TRUE + FALSE:
        raise InvalidArgument(f"The {name} must be true or false, not {value!r}.")
    return word in TRUE


def _limits(name: str, value: Any) -> dict[str, Any]:
    limits = _object(name, value)
    for key, given in limits.items():
        if key not in LIMITS:
            raise InvalidArgument(f"There is no limit {key!r}: {', '.join(LIMITS)}.")
        if not LIMITS[key](given):
            raise InvalidArgument(f"The limit {key} cannot be {given!r}.")
    return limits


def _is_positive(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0


# Named as a competition's API names them.
LIMITS: dict[str, Callable[[Any], bool]] = {
    "startup_s": _is_positive,
    "memory_mb": lambda value: _is_positive(value) and isinstance(value, int),
    "packages": lambda value: isinstance(value, str),
    "clock": lambda value: value in ("charged", "wall"),
    "pondering": lambda value: isinstance(value, bool),
}
READERS: dict[str, Callable[[str, Any], Any]] = {
    "action": _text,
    "environment": _text,
    "agents": _list,
    "configuration": _object,
    "info": _object,
    "steps": _list,
    "logs": _list,
    "state": _object,
    "episodes": _count,
    "seed": read_integer,
    "debug": read_flag,
    "box": read_flag,
    "limits": _limits,
    "session": _text,
}

"""A game's specification: the engine's own fields added, defaults filled in, checks compiled."""

from collections.abc import Callable, Mapping
from typing import Any

from evaluation.errors import InvalidArgument
from evaluation.schema import Schema, portable
from evaluation.utils import ATOMS, Struct, record, shape, structify

SPECIFICATION: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string", "default": ""},
        "title": {"type": "string", "default": ""},
        "version": {"type": "string", "default": ""},
        "description": {"type": "string", "default": ""},
        "configuration": {"type": "object", "default": {}},
        "agents": {"type": "array", "default": [1]},
        "reward": {"type": "object", "default": {"type": ["number", "null"], "default": 0}},
        "info": {"type": "object", "default": {}},
        "observation": {"type": "object", "default": {}},
        "action": {"type": "object", "default": {"type": "integer", "default": 0}},
        "status": {"type": "object", "default": {}},
    },
}
CONFIGURATION: dict[str, Any] = {
    "episodeSteps": {
        "description": "Most steps that an episode can have.",
        "type": "integer",
        "minimum": 1,
        "default": 1000,
    },
    "actTimeout": {
        "description": "Seconds that an agent may take for an action before its bank is used.",
        "type": "number",
        "minimum": 0,
        "default": 6,
    },
    "runTimeout": {
        "description": "Seconds that a whole episode may take.",
        "type": "number",
        "minimum": 0,
        "default": 1200,
    },
}
# What a configuration may set for any game, although no specification lists it.
ENGINE_SETTINGS: dict[str, Any] = {
    "maxLogLength": {"type": ["integer", "null"], "minimum": 0},
    "remainingOverageTime": {"type": "number", "minimum": 0},
}
OBSERVATION: dict[str, Any] = {
    "remainingOverageTime": {
        "description": "Seconds left in the bank for moves over actTimeout; below 0 is a TIMEOUT.",
        "shared": False,
        "type": "number",
        "minimum": 0,
        "default": 12,
    },
    "step": {
        "description": "Steps played so far.",
        "type": "integer",
        "shared": True,
        "minimum": 0,
        "default": 0,
    },
}
STATUSES = ["INACTIVE", "ACTIVE", "DONE", "ERROR", "INVALID", "TIMEOUT"]
SOUND = frozenset({"INACTIVE", "ACTIVE", "DONE"})
FAULTS = frozenset({"ERROR", "INVALID", "TIMEOUT"})
SEAT: dict[str, dict[str, Any]] = {
    "action": {"description": "What the agent answered.", "type": "integer", "default": 0},
    "reward": {"description": "What the actions earned.", "type": "number", "default": 0},
    "info": {"description": "Facts that no agent sees.", "type": "object", "default": {}},
    "observation": {
        "description": "What the agent sees.",
        "type": "object",
        "additionalProperties": True,
        "default": {},
    },
    "status": {
        "description": "Where the agent stands.",
        "type": "string",
        "default": "ACTIVE",
        "enum": STATUSES,
    },
}
_Seat = shape(SEAT)
NO_JSON = ()  # stands for any object that JSON has no form for, which is not even looked at


class View:
    """Which of a seat's observation it may see, and what it sees of seat 0's."""

    def __init__(self, properties: dict[str, Any]) -> None:
        fields = {key: field for key, field in properties.items() if isinstance(field, dict)}
        self.hidden = frozenset(key for key, field in fields.items() if field.get("hidden"))
        self.shared = tuple(
            key for key, field in fields.items() if field.get("shared") and key not in self.hidden
        )
        inner = {
            key: View(field["properties"])
            for key, field in fields.items()
            if isinstance(field.get("properties"), dict)
        }
        self.inner = {
            key: view
            for key, view in inner.items()
            if key not in self.hidden and key not in self.shared and view.filters
        }

    @property
    def filters(self) -> bool:
        return bool(self.hidden or self.shared or self.inner)

    def of(self, first: Struct, own: Struct) -> Struct:
        """A copy of `own` for its agent; first: the same part of seat 0's observation."""
        seen = type(own)(own)
        for key in self.hidden:
            seen.pop(key, None)
        for key in self.shared:
            if key in first:
                seen[key] = first[key]
        for key, item in seen.items():
            if type(item) not in ATOMS:
                view = self.inner.get(key)
                seen[key] = view.of(first.get(key, item), item) if view else structify(item)
        return seen


class Specification:
    """A specification ready for use. `published` is its JSON, with every default filled in."""

    def __init__(self, given: dict[str, Any]) -> None:
        self.published: Struct = _publish(given)
        spec = self.published
        settings = {**ENGINE_SETTINGS, **spec["configuration"]}
        self._configuration = Schema({"type": "object", "properties": settings})
        self._fields = _seat_fields(spec)
        self._action = Schema(self._fields["action"])
        self._idle_action = self._find_idle_action()
        self.statuses = frozenset(self._fields["status"]["enum"])
        self.transient = _transient(spec["observation"])
        self.view = View(spec["observation"])
        observation_shape = shape(spec["observation"])
        self.record = _seat_copier(observation_shape, record)  # for the history
        self.lend = _seat_copier(observation_shape, structify)  # for the interpreter
        self._configuration_shape = shape(spec["configuration"])
        self._seats: dict[int, Schema] = {}
        self._openings: dict[int, Struct] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        """Compiled checks do not travel to other processes: they are made there anew."""
        return Specification, (dict(self.published),)

    def configure(self, given: dict[str, Any]) -> Struct:
        """The configuration with its defaults; raises InvalidArgument."""
        filled = self._configuration.complete(given, "configuration")
        listed = self._configuration.schema["properties"]
        portable({name: filled[name] for name in listed if name in filled}, "configuration")
        return self._configuration_shape(structify(filled))

    def action(self, given: Any) -> Any:
        """A copy of the action, or the default in place of null; raises InvalidArgument."""
        if given is None and self._idle_action is not None:
            return self._idle_action
        kind = type(given)
        if kind in ATOMS:
            if self._action.accepts(given):
                return given
        elif issubclass(kind, dict | list | str | int | float):
            return self._action.complete(portable(given, "action"), "action")
        else:
            given = NO_JSON
        return portable(self._action.complete(given, "action"), "action")

    def _find_idle_action(self) -> Any:
        """What null stands for, where that is a scalar: every waiting seat asks at every step."""
        default = self._fields["action"].get("default")
        return default if type(default) in ATOMS and self._action.accepts(default) else None

    def opening(self, position: int) -> Struct:
        """A fresh seat before the interpreter has seen it."""
        if position not in self._openings:
            self._openings[position] = self.seat(position, {})
        return self.record(self._openings[position])

    def seat(self, position: int, given: Mapping[str, Any]) -> Struct:
        """The state of a seat with its defaults filled in, recorded; raises InvalidArgument.

        A seat that has failed keeps its null action and reward, which no schema allows.
        """
        seat = self.record(self._seat_schema(position).complete(given, f"state of seat {position}"))
        if seat["status"] in FAULTS:
            seat.update({key: None for key in ("action", "reward") if given.get(key, 0) is None})
        return seat

    def is_seat(self, position: int, seat: Struct) -> bool:
        """Whether the state is valid and lacks nothing, for all that a quick check can tell."""
        return self._seat_schema(position).accepts(seat)

    def _seat_schema(self, position: int) -> Schema:
        if position not in self._seats:
            fields = {"type": "object", "properties": _for_position(self._fields, position)}
            self._seats[position] = Schema({**fields, "additionalProperties": False})
        return self._seats[position]


def _seat_copier(
    observation_shape: type[Struct], copy: Callable[[Any], Any]
) -> Callable[[dict[str, Any]], Struct]:
    """Copies a seat as `copy` would, into classes made for this game and with less looking."""
    usual = len(SEAT)

    def copy_seat(seat: dict[str, Any]) -> Struct:
        made = _Seat(seat)
        if len(made) != usual:
            made = _Seat(copy(seat))
        elif type(made["action"]) not in ATOMS:
            made["action"] = copy(made["action"])
        info = made["info"]
        made["info"] = copy(info) if info else Struct()
        made["observation"] = observation = observation_shape(made["observation"])
        for key, item in observation.items():
            if type(item) not in ATOMS:
                observation[key] = copy(item)
        return made

    return copy_seat


def _publish(given: dict[str, Any]) -> Struct:
    """The whole specification: engine's fields, the game's own, and defaults for the rest."""
    spec = structify(given)
    if "reward" in spec:
        kind = spec["reward"].get("type") or "number"
        kind = [name for name in kind if name != "null"] if isinstance(kind, list) else [kind]
        if len(kind) != 1 or kind[0] not in {"integer", "number"}:
            raise InvalidArgument("The specification's reward must be an integer or a number.")
        spec["reward"]["type"] = [*kind, "null"]
    spec["configuration"] = _extend(CONFIGURATION, spec.get("configuration") or {})
    spec["observation"] = _extend(OBSERVATION, spec.get("observation") or {})
    published: Struct = structify(Schema(SPECIFICATION).complete(spec, "specification"))
    return published


def _extend(fields: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """The engine's fields and the game's: a new field, one of the same type, or a new default."""
    extended = structify(fields)
    for name, value in given.items():
        if not isinstance(value, dict):
            if name not in extended:
                raise InvalidArgument(f"The specification sets an unknown field: {name}.")
            extended[name]["default"] = value
        elif name not in extended or extended[name]["type"] == value.get("type"):
            extended[name] = value
        else:
            raise InvalidArgument(f"The specification changes the type of {name}.")
    return dict(extended)


def _seat_fields(spec: dict[str, Any]) -> dict[str, Any]:
    fields = {name: {**SEAT[name], **spec[name]} for name in ("action", "status")}
    # Interpreters are not held to what they say of rewards: rps states -1, 0, 1 and sums up.
    default = spec["reward"].get("default", SEAT["reward"]["default"])
    fields["reward"] = {**SEAT["reward"], "type": ["number", "null"], "default": default}
    transient = _transient(spec["observation"])
    kept = {key: field for key, field in spec["observation"].items() if key not in transient}
    for name, properties in (("info", spec["info"]), ("observation", kept)):
        fields[name] = {**SEAT[name], "properties": properties}
    return fields


def _transient(properties: dict[str, Any]) -> tuple[str, ...]:
    """What agents see of a state and its record does not keep."""
    fields = properties.items()
    return tuple(key for key, field in fields if isinstance(field, dict) and field.get("transient"))


def _for_position(fields: dict[str, Any], position: int) -> dict[str, Any]:
    """The fields as one seat has them: shared ones at seat 0 only, `defaults` by position."""
    own: dict[str, Any] = {}
    for name, given in fields.items():
        if not isinstance(given, dict):
            own[name] = given
            continue
        if given.get("shared") and position > 0:
            continue
        field = dict(given)
        defaults = field.get("defaults")
        if isinstance(defaults, list) and len(defaults) > position:
            del field["defaults"]
            field["default"] = defaults[position]
        if isinstance(field.get("properties"), dict):
            field["properties"] = _for_position(field["properties"], position)
        if name == "remainingOverageTime":
            field.pop("minimum", None)  # an episode that ended by TIMEOUT loads again
        own[name] = field
    return own

"""What a configuration may hold, told as data, and the check of one: for forms of other programs.

Kinds, bounds and choices are those of the dataclasses, sentences those of `meanings`.
"""

import dataclasses
import json
import types
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Union, get_args, get_origin, get_type_hints

from training import config as configs
from training import meanings
from training import task as tasks
from training.config import RunConfig
from training.errors import ConfigError
from training.fields import Options, as_object, named, nearest, plain

KINDS = {int: "int", float: "float", bool: "bool", str: "text"}
LIST, OBJECT = "list", "object"

Row = dict[str, Any]
Help = Callable[[str], str]


def schema() -> dict[str, Any]:
    """All presets and all keys, as JSON has them.

    A row of a key: key (dotted), kind (int, float, bool, text, choice, list, object), minimum,
    maximum, choices, optional (null is allowed), default (null where the key is required), help.
    """
    presets = {name: configs.load(name) for name in configs.presets()}
    return {
        "presets": {name: configs.to_dict(config) for name, config in presets.items()},
        "facts": {name: facts(config) for name, config in presets.items()},
        "tasks": {name: _task_rows(name) for name in tasks.MODULES},
        "run": [
            {**row, "choices": list(tasks.MODULES), "kind": "choice"}
            if row["key"] == "task"
            else row
            for row in rows(RunConfig, "", meanings.of_run, ("settings",))
        ],
    }


def check(text: str) -> dict[str, Any]:
    """What a preset with overrides amounts to; raises ConfigError, one sentence.

    text: {"preset", "overrides": {…}}, JSON. Keys of overrides may be dotted or nested; an object
    for a key of kind `object` replaces the preset's.
    """
    given = as_object(configs.parse(text, "The configuration"), "")
    preset, overrides = given.get("preset"), as_object(given.get("overrides", {}), "overrides")
    if not isinstance(preset, str) or preset not in configs.presets():
        near = nearest(str(preset), configs.presets())
        raise ConfigError(f"There is no preset {named(preset)}{near}.")
    data = configs.to_dict(configs.load(preset))
    leaves = dict(_leaves(overrides, _objects(data["task"])))
    for key, value in leaves.items():
        configs.override_key(data, key, value)
    config = configs.from_dict(data)
    return {"config": configs.to_dict(config), "overrides": leaves, "facts": facts(config)}


def facts(config: RunConfig) -> dict[str, Any]:
    """What others want to know of a configuration without knowing the task."""
    task: Any = tasks.load(config.task)
    environment = task.environment(config.settings) if hasattr(task, "environment") else None
    return {
        "task": config.task,
        "environment": environment.name if environment else "",
        "version": environment.version if environment else "",
        "configuration": dict(environment.configuration) if environment else {},
        "has_arena": config.evaluate_interval > 0 and hasattr(task, "evaluate"),
        "objective": task.OBJECTIVE,
        "headline": list(getattr(task, "HEADLINE", ())),
    }


def rows(kind: type, path: str, help_of: Help, left_out: tuple[str, ...] = ()) -> Iterator[Row]:
    """The keys of a dataclass, those of nested ones by dotted key."""
    hints = get_type_hints(kind, include_extras=True)
    for field in dataclasses.fields(kind):
        if field.name in left_out or not field.init:
            continue
        key, hint = f"{path}{field.name}", hints[field.name]
        if dataclasses.is_dataclass(hint) and isinstance(hint, type):
            yield from rows(hint, f"{key}.", help_of)
        else:
            yield _row(key, hint, field, help_of)


def _row(key: str, hint: Any, field: "dataclasses.Field[Any]", help_of: Help) -> Row:
    kind, is_optional = _kind(hint)
    bounds = field.metadata
    return {
        "key": key,
        "kind": "choice" if "choices" in bounds else kind,
        "minimum": bounds.get("minimum"),
        "maximum": bounds.get("maximum"),
        "choices": list(bounds["choices"]) if "choices" in bounds else None,
        "optional": is_optional,
        "default": _default(hint, field),
        "help": help_of(key),
    }


def _kind(hint: Any) -> tuple[str, bool]:
    """What JSON it takes, and whether null as well."""
    if get_origin(hint) in (Union, types.UnionType):
        kinds = [kind for kind in get_args(hint) if kind is not type(None)]
        return _kind(kinds[0])[0], len(kinds) < len(get_args(hint))
    if hint == Options or dataclasses.is_dataclass(hint):
        return OBJECT, False
    if get_origin(hint) is tuple:
        return LIST, False
    return KINDS[hint], False


def _default(hint: Any, field: "dataclasses.Field[Any]") -> Any:
    missing = dataclasses.MISSING
    value = None if field.default is missing else field.default
    if field.default_factory is not missing:
        value = field.default_factory()
    return dict(value or ()) if hint == Options else plain(value)


def _task_rows(name: str) -> list[Row]:
    prefix = f"{name}."

    def help_of(key: str) -> str:
        return meanings.of_task(name, key.removeprefix(prefix))

    return list(rows(tasks.load(name).Config, prefix, help_of))


def _objects(task: object) -> set[str]:
    """Keys whose value is an object as a whole."""
    found = [*rows(RunConfig, "", str, ("settings",)), *_task_rows(str(task))]
    return {row["key"] for row in found if row["kind"] == OBJECT}


def _leaves(
    data: Mapping[str, Any], objects: set[str], path: str = ""
) -> Iterator[tuple[str, Any]]:
    for name, value in data.items():
        key = f"{path}{name}"
        if isinstance(value, dict) and value and key not in objects:
            yield from _leaves(value, objects, f"{key}.")
        else:
            yield key, value


def to_json(data: Mapping[str, Any]) -> str:
    return json.dumps(data, ensure_ascii=True, allow_nan=False)

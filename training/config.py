"""The configuration of a run: JSON in and out, nothing unknown or impossible let through."""

import dataclasses
import json
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any, NoReturn

from training import task as tasks
from training import trials
from training.errors import ConfigError
from training.fields import Options, as_object, build, named, nearest, plain, refuse_unknown
from training.trials import Sweep

__all__ = ["ConfigError", "Options", "RunConfig", "Sweep", "from_dict", "load", "to_dict"]

SIZE_LIMIT = 1 << 20  # bytes of a configuration file
MOST_STEPS = 4_000_000_000  # what uint32 counts, and room for the update that passes it
# Keys that may differ between a run and the checkpoint that it goes on from: they change neither
# the state nor its course.
FREE = ("total_steps", "log_interval", "save_interval", "keep", "device", "sweep")
COUNT = {"minimum": 1, "maximum": MOST_STEPS}


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """Totals and intervals are in steps of the environment, as the task counts them.

    settings: the task's own Config, in JSON an object under the task's name.
    """

    total_steps: int = field(metadata=COUNT)
    log_interval: int = field(metadata=COUNT)
    save_interval: int = field(metadata=COUNT)
    settings: Any
    task: str = "selfplay"
    seed: int = field(default=0, metadata={"minimum": 0, "maximum": 2**32 - 1})
    evaluate_interval: int = field(default=0, metadata={**COUNT, "minimum": 0})
    keep: int = field(default=5, metadata={"minimum": 1, "maximum": 1_000_000})
    device: str = field(default="any", metadata={"choices": ("any", "cpu", "gpu", "tpu")})
    sweep: Sweep | None = None


def load(source: str | Path, overrides: Iterable[str] = ()) -> RunConfig:
    """The configuration in a file, or of a preset by its bare name, with overrides `key=value`.

    A value is JSON where it can be read as such, else a text. Raises ConfigError.
    """
    data = as_object(parse(_read(str(source)), str(source)), "")
    for override in overrides:
        key, value = _split(override)
        override_key(data, key, value)
    return from_dict(data)


def from_dict(data: Mapping[str, Any]) -> RunConfig:
    """Raises ConfigError, one sentence that names the key. Imports the task's module."""
    given = dict(data)
    name = given.get("task", "selfplay")
    if not isinstance(name, str):
        raise ConfigError('"task" must be the name of a task.')
    settings_type = tasks.load(name).Config
    known = [each.name for each in dataclasses.fields(RunConfig) if each.name != "settings"]
    refuse_unknown(given, [*known, name], "")
    ready = {"settings": build(settings_type, given.pop(name, {}), name), "sweep": None}
    sweep = given.pop("sweep", None)
    config: RunConfig = build(RunConfig, given, "", ready)
    return config if sweep is None else _with_sweep(config, trials.from_dict(sweep))


def to_dict(config: RunConfig) -> dict[str, Any]:
    """Its JSON form: from_dict makes an equal one of it."""
    data = {
        each.name: getattr(config, each.name)
        for each in dataclasses.fields(config)
        if each.name not in ("settings", "sweep")
    }
    data[config.task] = plain(config.settings)
    return data | ({"sweep": trials.to_dict(config.sweep)} if config.sweep else {})


def changed(config: RunConfig, values: Iterable[tuple[str, Any]]) -> RunConfig:
    """The configuration with other values of the task's own settings, by dotted key."""
    data = to_dict(config)
    for key, value in values:
        if key.partition(".")[0] != config.task:
            raise ConfigError(
                f'A sweep varies the keys of "{config.task}", and {named(key)} is none.'
            )
        override_key(data, key, value)
    return from_dict(data)


def override_key(data: dict[str, Any], key: str, value: Any) -> None:
    """Sets a dotted key of nested objects; raises ConfigError."""
    *path, last = key.split(".")
    for place, name in enumerate(path, 1):
        data = as_object(data.setdefault(name, {}), ".".join(path[:place]))
    data[last] = value


def flat(data: Mapping[str, Any], path: str = "") -> dict[str, Any]:
    """Nested objects as one, by dotted key."""
    values: dict[str, Any] = {}
    for name, value in data.items():
        key = f"{path}{name}"
        values |= flat(value, f"{key}.") if isinstance(value, dict) else {key: value}
    return values


def parse(text: str, name: str) -> Any:
    """Strict JSON: no key twice, no NaN. Raises ConfigError with line and column."""
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise ConfigError(f"{name} is not JSON: {error.msg} at {place}.") from None
    except (_NotStrict, RecursionError, ValueError) as error:
        reason = str(error) if isinstance(error, _NotStrict) else "it holds what no one can read"
        raise ConfigError(f"{name} cannot be used: {reason}.") from None


def presets() -> list[str]:
    """The bare names that `load` knows."""
    folder = resources.files("training").joinpath("presets")
    if not folder.is_dir():
        return []
    names = (each.name for each in folder.iterdir())
    return sorted(name.removesuffix(".json") for name in names if name.endswith(".json"))


class _NotStrict(ValueError):
    """JSON that one reader takes in one way and another in another."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for key, value in pairs:
        if key in data:
            raise _NotStrict(f"the key {named(key)} stands there twice")
        data[key] = value
    return data


def _no_constant(name: str) -> NoReturn:
    raise _NotStrict(f"{name} is no number of JSON")


def _read(source: str) -> str:
    path = Path(source)
    if source in presets():
        preset = resources.files("training").joinpath("presets", f"{source}.json")
        return preset.read_text(encoding="utf-8")
    try:
        _check_file(path)
        return path.read_text(encoding="utf-8-sig")
    except ConfigError:
        raise
    except FileNotFoundError:
        hint = nearest(source, presets()) if path.name == source and not path.suffix else ""
        raise ConfigError(f"There is no configuration {named(source)}{hint}.") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{source} is not JSON: it is no text in UTF-8.") from None
    except (OSError, ValueError) as error:
        raise ConfigError(f"{source!r} cannot be read: {_reason(error)}.") from None


def _check_file(path: Path) -> None:
    found = path.stat()
    if stat.S_ISDIR(found.st_mode):
        raise ConfigError(f"{path} is a folder, not a configuration.")
    if not stat.S_ISREG(found.st_mode):
        raise ConfigError(f"{path} is no file: a configuration is one.")
    if found.st_size > SIZE_LIMIT:
        raise ConfigError(f"{path} is larger than a configuration can be (1 MiB).")


def _reason(error: Exception) -> str:
    return (isinstance(error, OSError) and error.strerror) or str(error)


def _split(override: str) -> tuple[str, Any]:
    key, equals, text = override.partition("=")
    if not equals or not key:
        raise ConfigError(f"--set wants key=value, not {named(override)}.")
    try:
        return key, json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return key, text


def _with_sweep(config: RunConfig, sweep: Sweep) -> RunConfig:
    """Every candidate must be a configuration of its own before the first is tried."""
    for values in trials.candidates(sweep, config.seed):
        changed(config, values)
    return dataclasses.replace(config, sweep=sweep)

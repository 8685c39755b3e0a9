"""Package sets as they stand in TOML files: two built in, an organiser's own in DATA_DIR/packages.

Reads and checks them; `install` makes them real.
"""

import logging
import math
import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evaluation.errors import EngineError

logger = logging.getLogger(__name__)

DEFAULT = "numpy"
BUILT_IN = Path(__file__).parent
NAME = re.compile(r"[a-z0-9-]{1,40}")
# Version and hash as pip writes them; a wildcard would not pin.
PIN = re.compile(
    r"(?P<name>[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?)==[A-Za-z0-9.!+_-]+"
    r"(?P<hashes>( --hash=(sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128}))*)"
)
MODULE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", re.ASCII)
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
MEMORY_MB = range(64, 1024 * 1024 + 1)
STARTUP_S = 3600
# An agent has one core, and only a process of one thread can be cloned.
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMBA_NUM_THREADS": "1",
}


class PackagesError(EngineError):
    """A package set that does not exist, is written wrongly or cannot be installed; one sentence.

    A fault of the platform, never of an agent.
    """


@dataclass(frozen=True)
class PackageSet:
    """requirements: pins in the form of pip's requirement files, every dependency among them.

    memory_mb, startup_s: what agents get at least. preload: modules that a warm interpreter
    imports before agents are cloned from it. environment: variables that must be set before.
    wheels: a folder to install from in place of the registry.
    """

    name: str
    title: str
    requirements: tuple[str, ...]
    memory_mb: int = 1024
    startup_s: float = 10.0
    preload: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    wheels: Path | None = None

    @property
    def has_hashes(self) -> bool:
        return any("--hash=" in requirement for requirement in self.requirements)


def available(data_dir: Path | None) -> list[PackageSet]:
    """The built-in sets, the default first, then an organiser's. Bad files are left out, with a
    warning in the log; `problems` tells what is wrong with them."""
    return [found for found in _read_all(data_dir, _warn) if found]


def problems(data_dir: Path | None) -> list[str]:
    """What is wrong with files of sets, a sentence each."""
    sentences: list[str] = []
    list(_read_all(data_dir, sentences.append))
    return sentences


def find(name: str, data_dir: Path | None) -> PackageSet:
    """The set of this name. Raises PackagesError."""
    for path in _files(data_dir):
        if path.stem == name:
            return _read(path)
    raise PackagesError(f"There is no package set named {name!r}.")


def own_folder(data_dir: Path) -> Path:
    """Where an organiser's files lie, and what is installed of all sets but the default."""
    return data_dir / "packages"


def _warn(sentence: str) -> None:
    logger.warning("%s", sentence)


def _read_all(data_dir: Path | None, report: Callable[[str], None]) -> Iterator[PackageSet | None]:
    for path in _files(data_dir):
        try:
            yield _read(path)
        except PackagesError as error:
            report(str(error))


def _files(data_dir: Path | None) -> list[Path]:
    """One path a set; an organiser's file with a built-in name comes after, and is refused."""
    built_in = sorted(BUILT_IN.glob("*.toml"), key=lambda path: (path.stem != DEFAULT, path.stem))
    own = sorted(own_folder(data_dir).glob("*.toml")) if data_dir else []
    return [*built_in, *own]


def _read(path: Path) -> PackageSet:
    try:
        _require(NAME.fullmatch(path.stem), "its name is not of 1 to 40 characters a-z, 0-9 and -")
        shadowed = path.parent != BUILT_IN and (BUILT_IN / path.name).exists()
        _require(not shadowed, "a built-in set has this name")
        return _parse(path, tomllib.loads(path.read_text(encoding="utf-8")))
    except _Wrong as error:
        raise PackagesError(f"The package set {path}: {error}.") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise PackagesError(f"The package set {path} cannot be read: {error}.") from error


class _Wrong(Exception):
    """What is wrong with a file, its key first."""


def _require(condition: object, what: str) -> None:
    if not condition:
        raise _Wrong(what)


def _parse(path: Path, found: dict[str, Any]) -> PackageSet:
    unknown = sorted(set(found) - set(KEYS))
    _require(not unknown, f"the key {', '.join(unknown)} is unknown")
    _require("requirements" in found, "the key requirements is missing")
    values = {key: KEYS[key](key, value) for key, value in found.items()}
    values["environment"] = ONE_THREAD | values.get("environment", {})
    if "wheels" in values:
        values["wheels"] = (path.parent / values["wheels"]).resolve()
        _require(values["wheels"].is_dir(), f"wheels names no folder: {values['wheels']}")
    return PackageSet(**{"name": path.stem, "title": path.stem} | values)


def _text(key: str, value: Any) -> str:
    is_text = isinstance(value, str) and value.strip() and value.isprintable()
    _require(is_text, f"{key} is not a line of text")
    return str(value)


def _texts(key: str, value: Any) -> list[str]:
    is_list = isinstance(value, list) and all(isinstance(text, str) for text in value)
    _require(is_list, f"{key} is not a list of texts")
    return list(value)


def _requirements(key: str, value: Any) -> tuple[str, ...]:
    pins = {text: PIN.fullmatch(text) for text in _texts(key, value)}
    _require(pins, f"{key} names no package")
    hashed, names = [], []
    for text, pin in pins.items():
        if not pin:
            raise _Wrong(f"{key} has {text!r}, which is not of the form name==version")
        names.append(re.sub(r"[-_.]+", "-", pin["name"]).lower())
        hashed.append(bool(pin["hashes"]))
    twice = sorted({name for name in names if names.count(name) > 1})
    _require(not twice, f"{key} names {', '.join(twice)} twice")
    _require(len(set(hashed)) == 1, f"{key} has hashes for some packages only")
    return tuple(pins)


def _memory(key: str, value: Any) -> int:
    is_fitting = type(value) is int and value in MEMORY_MB
    _require(is_fitting, f"{key} is not a whole number from {MEMORY_MB[0]} to {MEMORY_MB[-1]}")
    return int(value)


def _seconds(key: str, value: Any) -> float:
    is_number = type(value) in (int, float) and math.isfinite(value)
    _require(is_number and 0 < value <= STARTUP_S, f"{key} is not from 0 to {STARTUP_S} seconds")
    return float(value)


def _modules(key: str, value: Any) -> tuple[str, ...]:
    names = _texts(key, value)
    for name in names:
        _require(MODULE.fullmatch(name), f"{key} has {name!r}, which is not a module's name")
    return tuple(names)


def _variables(key: str, value: Any) -> dict[str, str]:
    _require(isinstance(value, dict), f"{key} is not a table")
    for name, text in value.items():
        _require(VARIABLE.fullmatch(name), f"{key} has {name!r}, which is not a variable's name")
        is_text = isinstance(text, str) and "\0" not in text
        _require(is_text, f"{key}.{name} is not a text")
    return dict(value)


KEYS: dict[str, Callable[[str, Any], Any]] = {
    "title": _text,
    "requirements": _requirements,
    "memory_mb": _memory,
    "startup_s": _seconds,
    "preload": _modules,
    "environment": _variables,
    "wheels": _text,
}

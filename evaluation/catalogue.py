"""The environments of kaggle-environments, where it is installed: listed unread, loaded by name."""

import os
import sys
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from io import TextIOBase
from typing import Any, TextIO

from evaluation.errors import InvalidArgument

PACKAGE = "kaggle_environments"
OPEN_SPIEL = "open_spiel_env"
PREFIX = "open_spiel_"


def names() -> frozenset[str]:
    """What it offers, by its folders and its list of OpenSpiel games; nothing is imported."""
    folder = _folder()
    return _read_names(folder) if folder else frozenset()


def load(name: str) -> Mapping[str, Any]:
    """The module dictionary of one of `names`; raises InvalidArgument, with the reason.

    The first call imports the package, and with it all that it does not itself put off. What it
    prints meanwhile is dropped.
    """
    quiet = Quiet(sys.stdout), Quiet(sys.stderr)
    streams = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = quiet
    try:
        return _open_spiel_game(name) if name.startswith(PREFIX) else _import(name)
    except (Exception, SystemExit) as error:
        reason = str(error).strip().partition("\n")[0].rstrip(".") or type(error).__name__
        text = f"The environment {name!r} of kaggle-environments does not load here: {reason}."
        raise InvalidArgument(text) from error
    finally:
        sys.stdout, sys.stderr = streams
        for stream in quiet:
            stream.is_loading = False


class Quiet(TextIOBase):
    """Drops what is written while a package loads; what a logger of it writes later passes."""

    def __init__(self, stream: TextIO) -> None:
        self.is_loading = True
        self._stream = stream

    def write(self, text: str) -> int:
        return len(text) if self.is_loading else self._stream.write(text)

    def flush(self) -> None:
        self._stream.flush()


def _folder() -> str | None:
    from importlib.util import find_spec

    try:
        spec = find_spec(PACKAGE)
    except (ImportError, ValueError):  # blocked, or half imported
        return None
    places = list(spec.submodule_search_locations or ()) if spec else []
    return os.path.join(places[0], "envs") if places else None


@cache
def _read_names(folder: str) -> frozenset[str]:
    try:
        found = os.listdir(folder)
    except OSError:
        return frozenset()
    games = {name for name in found if os.path.isfile(os.path.join(folder, name, f"{name}.py"))}
    if OPEN_SPIEL in games:
        games.remove(OPEN_SPIEL)
        games.update(_open_spiel_names(os.path.join(folder, OPEN_SPIEL, f"{OPEN_SPIEL}.py")))
    return frozenset(games)


def _open_spiel_names(path: str) -> set[str]:
    """One for each entry of the wrapper's GAMES_LIST: the game strings' parts before "("."""
    import ast

    with open(path, encoding="utf-8") as file:
        module = ast.parse(file.read())
    values = {
        target.id: statement.value
        for statement in module.body
        if isinstance(statement, ast.Assign)
        for target in statement.targets
        if isinstance(target, ast.Name)
    }
    games = values.get("GAMES_LIST")
    entries = games.elts if isinstance(games, ast.List) else []
    strings = [values.get(item.id) if isinstance(item, ast.Name) else item for item in entries]
    heads = [item.values[0] if isinstance(item, ast.JoinedStr) else item for item in strings]
    texts = [head.value for head in heads if isinstance(head, ast.Constant)]
    return {PREFIX + text.partition("(")[0] for text in texts if isinstance(text, str)}


def _import(name: str) -> Mapping[str, Any]:
    return vars(import_module(f"{PACKAGE}.envs.{name}.{name}"))


def _open_spiel_game(name: str) -> Mapping[str, Any]:
    wrapper = import_module(f"{PACKAGE}.envs.{OPEN_SPIEL}.{OPEN_SPIEL}")
    if name in wrapper.ENV_REGISTRY:
        return dict(wrapper.ENV_REGISTRY[name])
    if name not in wrapper.LAZY_ENV_LOADERS:
        raise InvalidArgument("OpenSpiel could not build the game")
    return dict(wrapper.LAZY_ENV_LOADERS[name]())

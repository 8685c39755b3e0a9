"""Agents from source text: what they define, and the files beside them that they import."""

import os
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from evaluation.agent import arity
from evaluation.errors import InvalidArgument


class SourceAgent:
    """The last callable that a source defines; the source runs at the first move, on its clock.

    path: where the source stands, if it does. keep: what must live as long as the agent.
    """

    def __init__(self, source: str, path: str | None = None, keep: object = None) -> None:
        self._source, self._path, self._keep = source, path, keep
        self._neighbours = Neighbours(os.path.dirname(os.path.abspath(path)) if path else None)
        self._agent: Callable[..., Any] | None = None

    def __call__(self, observation: dict[str, Any], configuration: dict[str, Any]) -> Any:
        with self._neighbours:
            if self._agent is None:
                self._agent = load(self._source, self._path)
            configuration["__raw_path__"] = self._path or self._source
            return self._agent(*(observation, configuration)[: arity(self._agent)])


def load(source: str, path: str | None = None) -> Callable[..., Any]:
    """Runs the source and returns the last callable that it leaves."""
    namespace: dict[str, Any] = {}
    exec(compile(source, path or "<string>", "exec"), namespace)
    callables = [value for value in namespace.values() if callable(value)]
    if not callables:
        raise InvalidArgument("The agent's source defines no function.")
    last: Callable[..., Any] = callables[-1]
    return last


class Neighbours:
    """While entered, the files of a folder can be imported; agents of two folders that both have
    a `model.py` each get their own."""

    def __init__(self, folder: str | None) -> None:
        self._folder = folder
        self._own: dict[str, ModuleType] = {}
        self._others: dict[str, ModuleType] = {}
        self._count = 0

    def __enter__(self) -> None:
        if self._folder is not None:
            sys.path.append(self._folder)
            self._others = {name: sys.modules[name] for name in self._own if name in sys.modules}
            sys.modules.update(self._own)
            self._count = len(sys.modules)

    def __exit__(self, *reason: object) -> None:
        if self._folder is None:
            return
        if len(sys.modules) != self._count:
            self._own |= self._imported(self._folder + os.sep)
        for name in self._own:
            sys.modules.pop(name, None)
        sys.modules.update(self._others)
        if self._folder in sys.path:
            sys.path.reverse()  # the entry made last is ours
            sys.path.remove(self._folder)
            sys.path.reverse()

    def _imported(self, prefix: str) -> dict[str, ModuleType]:
        return {
            name: module
            for name, module in list(sys.modules.items())
            if str(getattr(module, "__file__", None)).startswith(prefix)
        }

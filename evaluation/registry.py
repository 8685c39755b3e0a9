"""Finds the games: one folder each under envs/, then kaggle-environments'; imported when made."""

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from evaluation import catalogue, envs
from evaluation.errors import InvalidArgument
from evaluation.spec import Specification

EXPORTS = ("specification", "interpreter", "renderer", "html_renderer")


class Game:
    """A game's module dictionary, checked."""

    def __init__(self, module: Mapping[str, Any]) -> None:
        for name in EXPORTS[1:]:
            if not callable(module.get(name)):
                raise InvalidArgument(f"The environment's {name} is not callable.")
        self.agents: dict[str, Callable[..., Any]] = dict(module.get("agents") or {})
        if not all(map(callable, self.agents.values())):
            raise InvalidArgument("The environment's agents are not all callable.")
        self.interpreter: Callable[..., Any] = module["interpreter"]
        self.renderer: Callable[..., str] = module["renderer"]
        self.html_renderer: Callable[..., str] = module["html_renderer"]
        self.summary: Callable[..., dict[str, Any]] | None = module.get("summary")
        self.perceive: Callable[..., Any] | None = module.get("perceive")
        self._given: Mapping[str, Any] = module.get("specification") or {}

    @cached_property
    def specification(self) -> Specification:
        return Specification(dict(self._given))


class Registry(Mapping[str, dict[str, Any]]):
    """Name to module dictionary, as in kaggle-environments; looking one up imports its game."""

    def __init__(self) -> None:
        self._modules: dict[str, dict[str, Any]] = {}
        self._games: dict[str, Game] = {}

    def __getitem__(self, name: str) -> dict[str, Any]:
        if name not in self._modules:
            self.register(name, _import(name))
        return self._modules[name]

    def __contains__(self, name: object) -> bool:
        return name in self._modules or name in _folders() or name in catalogue.names()

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._names()))

    def __len__(self) -> int:
        return len(self._names())

    def _names(self) -> set[str]:
        return {*_folders(), *self._modules, *catalogue.names()}

    def register(self, name: str, module: Mapping[str, Any]) -> None:
        """Adds an environment, or replaces it. module: the five names that a game exports."""
        self._modules[name] = dict(module)
        self._games.pop(name, None)

    def game(self, environment: Any) -> Game:
        """A name or a module dictionary as a Game; raises InvalidArgument."""
        if isinstance(environment, str):
            return self._named(environment)
        if isinstance(environment, Mapping) and callable(environment.get("interpreter")):
            return Game(environment)
        raise InvalidArgument("An environment is a name or a dictionary with an interpreter.")

    def _named(self, name: str) -> Game:
        if name not in self._games:
            if name not in self:
                raise InvalidArgument(f"There is no environment named {name!r}.")
            self._games[name] = Game(self[name])
        return self._games[name]


def _folders() -> list[str]:
    return [module.name for module in iter_modules(envs.__path__) if module.ispkg]


def _import(name: str) -> dict[str, Any]:
    """The exports of our own game of that name, else of kaggle-environments'; or KeyError."""
    exports = [*EXPORTS, "agents"]
    if name in _folders():
        found: Mapping[str, Any] = vars(import_module(f"evaluation.envs.{name}.{name}"))
        exports += ["summary", "action_schema", "perceive"]
    elif name in catalogue.names():
        found = catalogue.load(name)
    else:
        raise KeyError(name)
    return {export: found[export] for export in exports if export in found}


environments = Registry()
register = environments.register

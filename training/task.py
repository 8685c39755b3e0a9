"""What a task is to the runner, and the table of those that exist."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

from training.errors import ConfigError
from training.fields import named, nearest

if TYPE_CHECKING:
    from jax import Array

MODULES = {"selfplay": "training.selfplay", "foraging": "training.foraging"}


class State(Protocol):
    """A pytree; all its arrays are saved. What is static (the config) is no leaf of it."""

    @property
    def step(self) -> "Array":
        """Steps of the environment done so far: int32 or uint32, no dimensions."""

    @property
    def key(self) -> "Array":
        """A typed key (jax.random.key)."""


Metrics = Mapping[str, Any]  # scalars by name


class Task(Protocol):
    """A game or a world: a module with these names. The runner knows nothing else of it.

    It may have five names more: `evaluate(state) -> (state, metrics)`, called between updates at
    `evaluate_interval`, deterministic and about two seconds long, with the state of its argument
    left alive; `events(state, since_step) -> list`, what was noticed after that step and up to the
    state's own, JSON objects by the same state always the same, told in the line of metrics that
    closes the interval; `environment(config)`, whose name, version and configuration go into
    checkpoints; `parts(config)`, the equal parts in which its update spreads over devices; and
    HEADLINE, the names of those metrics that a shell shows (all of them without it).
    """

    Config: type
    KNOBS: tuple[str, ...]
    OBJECTIVE: str
    init: Callable[[Any, Any], Any]
    update: Callable[[Any], tuple[Any, Metrics]]


def load(name: str) -> Task:
    """The task of this name; raises ConfigError."""
    if name not in MODULES:
        raise ConfigError(f"There is no task {named(name)}{nearest(name, MODULES)}.")
    module: Any = import_module(MODULES[name])
    task: Task = module
    return task


def register(name: str, module: str) -> None:
    """Adds a task of one's own, by the dotted name of its module."""
    MODULES[name] = module

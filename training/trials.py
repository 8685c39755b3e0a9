"""What a sweep tries: the `sweep` block of a configuration and the candidates drawn from it."""

import itertools
import math
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from training.fields import as_object, build, wrong

MOST_TRIALS = 10_000
Overrides = tuple[tuple[str, Any], ...]  # values by dotted key
SCALARS = (bool, int, float, str)


@dataclass(frozen=True)
class Range:
    """Uniform from low to high, or, with `log`, uniform in the logarithm.

    Between whole numbers (JSON without a point) whole numbers are drawn.
    """

    low: float
    high: float
    log: bool = False
    whole: bool = False

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError('"low" must not be above "high"')
        if self.log and self.low <= 0:
            raise ValueError('with "log", "low" must be above 0')


Choices = tuple[Any, ...]


@dataclass(frozen=True)
class Sweep:
    """grid: every combination of these values. random: `trials` draws. One of the two.

    seeds: each candidate is tried with each of them (the run's own where none are given).
    steps: of each trial. seconds: budget of the whole sweep; no trial is started that would, by
    the mean of those before it, end after it.
    """

    steps: int = field(metadata={"minimum": 1})
    grid: tuple[tuple[str, Choices], ...] = ()
    random: tuple[tuple[str, Range | Choices], ...] = ()
    trials: int | None = field(default=None, metadata={"minimum": 1, "maximum": MOST_TRIALS})
    seeds: tuple[int, ...] = ()
    seconds: float | None = field(default=None, metadata={"minimum": 0.0})

    def __post_init__(self) -> None:
        if bool(self.grid) == bool(self.random):
            raise ValueError('give "grid" or "random", one of the two')
        if bool(self.random) != (self.trials is not None):
            raise ValueError('"trials" belongs to "random": how many draws')
        if len(set(self.seeds)) < len(self.seeds) or any(seed < 0 for seed in self.seeds):
            raise ValueError('"seeds" must be different numbers from 0 up')
        if self._count() > MOST_TRIALS:
            raise ValueError(f"these are {self._count()} trials; {MOST_TRIALS} are allowed")

    def _count(self) -> int:
        candidates = self.trials or math.prod(len(values) for _, values in self.grid)
        return candidates * max(1, len(self.seeds))


def from_dict(data: object, where: str = "sweep") -> Sweep:
    """The block from its JSON object; raises ConfigError."""
    given = dict(as_object(data, where))
    ready = {
        "grid": _by_key(given.pop("grid", {}), f"{where}.grid", _choices),
        "random": _by_key(given.pop("random", {}), f"{where}.random", _range_or_choices),
    }
    sweep: Sweep = build(Sweep, given, where, ready)
    return sweep


def to_dict(sweep: Sweep) -> dict[str, Any]:
    """Its JSON form: from_dict makes an equal one of it."""
    data: dict[str, Any] = {"steps": sweep.steps}
    if sweep.grid:
        data["grid"] = {key: list(values) for key, values in sweep.grid}
    else:
        data["random"] = {key: _plain_range(values) for key, values in sweep.random}
    rest = {"trials": sweep.trials, "seeds": list(sweep.seeds), "seconds": sweep.seconds}
    return data | {name: value for name, value in rest.items() if value not in (None, [])}


def candidates(sweep: Sweep, seed: int) -> list[Overrides]:
    """The settings to try, the same for the same seed."""
    if sweep.grid:
        keys = [key for key, _ in sweep.grid]
        values = itertools.product(*(choices for _, choices in sweep.grid))
        return [tuple(zip(keys, each, strict=True)) for each in values]
    source = random.Random(f"sweep {seed}")
    return [
        tuple((key, _draw(space, source)) for key, space in sweep.random)
        for _ in range(sweep.trials or 0)
    ]


@dataclass(frozen=True)
class Trial:
    """A candidate with one seed. Numbers count from 1."""

    number: int
    candidate: int
    overrides: Overrides
    seed: int

    def __str__(self) -> str:
        values = ", ".join(f"{key} = {value}" for key, value in self.overrides)
        return f"{values}, seed {self.seed}"


def plan(sweep: Sweep, seed: int) -> list[Trial]:
    """Every trial; each candidate comes once before the first comes again with another seed."""
    pairs = itertools.product(sweep.seeds or (seed,), enumerate(candidates(sweep, seed)))
    return [
        Trial(number, candidate, overrides, seed)
        for number, (seed, (candidate, overrides)) in enumerate(pairs, 1)
    ]


def _by_key(data: object, where: str, read: Any) -> tuple[tuple[str, Any], ...]:
    return tuple(
        (key, read(item, f"{where}.{key}")) for key, item in as_object(data, where).items()
    )


def _choices(data: object, where: str) -> Choices:
    if not isinstance(data, list) or not data:
        raise wrong(where, "a list of values", data)
    for value in data:
        if not isinstance(value, SCALARS):
            raise wrong(where, "a list of numbers, texts, true or false", data)
    return tuple(data)


def _range_or_choices(data: object, where: str) -> Range | Choices:
    if isinstance(data, list):
        return _choices(data, where)
    given: Mapping[str, Any] = as_object(data, where)
    whole = all(type(given.get(name)) is int for name in ("low", "high"))
    drawn: Range = build(Range, given, where, {"whole": whole})
    return drawn


def _plain_range(space: Range | Choices) -> Any:
    if not isinstance(space, Range):
        return list(space)
    number = int if space.whole else float
    return {"low": number(space.low), "high": number(space.high), "log": space.log}


def _draw(space: Range | Choices, source: random.Random) -> Any:
    if not isinstance(space, Range):
        return space[int(source.random() * len(space))]
    low, high = (
        (math.log(space.low), math.log(space.high)) if space.log else (space.low, space.high)
    )
    value = low + (high - low) * source.random()
    value = math.exp(value) if space.log else value
    value = min(max(value, space.low), space.high)
    return round(value) if space.whole else value

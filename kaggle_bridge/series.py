"""The metrics of a run as series for charts: few points each, however long the run was."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

from kaggle_bridge.metrics import MOST_SERIES
from kaggle_bridge.models import Metric, TrainingRun

MOST = 150  # points of a chart: one for every second pixel
MOST_SHOWN = 6  # charts that are seen at once
ENDS = ("_low", "_high")
NO_METRICS = ("events", "seconds", "updates")
LOSS = "loss/"
T = TypeVar("T")


@dataclass(frozen=True)
class Event:
    """Something in the course of a metric that the trainer noticed: a jump, a phase transition."""

    kind: str
    step: int


class Point(NamedTuple):
    """low, high: of its interval, where one was logged."""

    step: int
    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Series:
    name: str
    points: list[Point]
    events: list[Event] = field(default_factory=list)

    @property
    def newest(self) -> float:
        return self.points[-1].value


Row = tuple[int, dict[str, Any]]


class Metrics:
    """All metrics by name. Clocks are left out, and the ends of an interval are with its middle."""

    def __init__(self, rows: list[Row]) -> None:
        self._rows = rows
        names = {name: None for _, values in rows for name in values if name not in NO_METRICS}
        known = dict.fromkeys(list(names)[:MOST_SERIES])
        found = {name: _series(name, rows) for name in known if not _is_end(name, known)}
        self.by_name = {name: series for name, series in found.items() if series.points}

    def table(self, names: Sequence[str], most: int) -> list[tuple[int, list[float | None]]]:
        """Of lines with all of these numbers where there are any; some of them, evenly spread."""
        full = [row for row in self._rows if all(row[1].get(name) is not None for name in names)]
        some = [row for row in self._rows if any(row[1].get(name) is not None for name in names)]
        rows = thin(full or some, most)
        return [(step, [values.get(name) for name in names]) for step, values in rows]


def read(run: TrainingRun) -> Metrics:
    return Metrics(_rows(run))


def _rows(run: TrainingRun) -> list[Row]:
    lines = Metric.objects.filter(run=run).order_by("step")
    steps = list(lines.values_list("step", flat=True))
    if len(steps) > 2 * MOST:
        lines = lines.filter(step__in=chosen(steps, run.resolved.get("evaluate_interval")))
    return list(lines.values_list("step", "values"))


def chosen(steps: Sequence[int], evaluate_interval: object, most: int = MOST) -> set[int]:
    """Of the steps of all lines those to read: evenly spread ones, and such with an evaluation.

    An evaluation closes the line in which its interval is crossed; only a few lines have one.
    """
    found = set(thin(steps, most))
    if isinstance(evaluate_interval, int) and evaluate_interval > 0:
        pairs = zip([0, *steps], steps, strict=False)
        crossed = [b for a, b in pairs if a // evaluate_interval != b // evaluate_interval]
        found |= set(thin(crossed, most))
    return found


def thin(items: Sequence[T], most: int = MOST) -> list[T]:
    """At most so many, evenly spread, the first and the last among them."""
    last = len(items) - 1
    if last < most:
        return list(items)
    return [items[round(i * last / (most - 1))] for i in range(most)]


def _is_end(name: str, names: dict[str, None]) -> bool:
    return any(name.endswith(end) and name.removesuffix(end) in names for end in ENDS)


def _series(name: str, rows: list[Row]) -> Series:
    low, high = (f"{name}{end}" for end in ENDS)
    points = [
        Point(step, float(values[name]), values.get(low), values.get(high))
        for step, values in rows
        if values.get(name) is not None
    ]
    return Series(name, thin(points), _events(name, rows))


def _events(name: str, rows: list[Row]) -> list[Event]:
    return [
        Event(str(event.get("kind", "event")), event["step"])
        for _, values in rows
        for event in values.get("events", ())
        if event.get("metric") == name and isinstance(event.get("step"), int)
    ]


def split(found: dict[str, Series], facts: dict[str, Any]) -> tuple[list[Series], list[Series]]:
    """Those to show at once, the objective first, then what the task names, then the losses; and
    the others by name."""
    losses = sorted(name for name in found if name.startswith(LOSS))
    wanted = [str(facts.get("objective", "")), *facts.get("headline", ()), *losses]
    first = [name for name in dict.fromkeys(wanted) if name in found][:MOST_SHOWN]
    rest = sorted(found.keys() - set(first))
    return [found[name] for name in first], [found[name] for name in rest]

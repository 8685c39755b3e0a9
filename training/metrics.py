"""The metrics of a run: means over log intervals, exact to the bit, and what is open in them.

One line of `metrics.jsonl` is one JSON object. CLOCKS are measured by the wall clock; everything
else in it is the same for a run that was cut and one that was not.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

CLOCKS = ("seconds", "steps_per_second")  # in metrics.jsonl
TRACKER_CLOCKS = ("clocks",)  # in the trackers of a checkpoint
Values = Mapping[str, float]


@dataclass(frozen=True)
class Averages:
    """Sums of each metric over the updates of an open log interval, in float64."""

    updates: int = 0
    sums: Values = field(default_factory=dict)

    def add(self, metrics: Mapping[str, Any]) -> "Averages":
        sums = {name: self.sums.get(name, 0.0) + float(value) for name, value in metrics.items()}
        return Averages(self.updates + 1, sums)

    def means(self) -> dict[str, float]:
        return {name: total / self.updates for name, total in self.sums.items()}


@dataclass(frozen=True)
class Trackers:
    """What a run knows besides its state, saved with every checkpoint.

    logged, evaluated, saved: the steps at which that was last done. latest: last value of each
    metric. unwritten: lines that found no room on the disk. clocks: seconds trained so far.
    """

    logged: int = 0
    evaluated: int = 0
    saved: int = 0
    interval: Averages = field(default_factory=Averages)
    latest: Values = field(default_factory=dict)
    unwritten: tuple[str, ...] = ()
    clocks: Values = field(default_factory=lambda: {"seconds": 0.0})

    def add(self, metrics: Mapping[str, Any]) -> "Trackers":
        return replace(self, interval=self.interval.add(metrics))

    def with_line(
        self, step: int, evaluation: Mapping[str, Any] | None
    ) -> tuple["Trackers", dict[str, float]]:
        """The open interval closed at this step, and its line; evaluation: what closes it."""
        values = self.interval.means()
        if evaluation is not None:
            values |= {name: float(value) for name, value in evaluation.items()}
        after = replace(
            self,
            logged=step,
            evaluated=self.evaluated if evaluation is None else step,
            interval=Averages(),
            latest={**self.latest, **values},
        )
        return after, values

    @property
    def current(self) -> dict[str, float]:
        """The last value of each metric; of an open interval the mean so far."""
        return {**self.latest, **self.interval.means()}


def trackers_to_dict(trackers: Trackers) -> dict[str, Any]:
    """JSON that gives the same bits back; numbers that are not finite become texts."""
    data = asdict(trackers)
    data["interval"]["sums"] = _portable(trackers.interval.sums)
    return {**data, "latest": _portable(trackers.latest), "unwritten": list(trackers.unwritten)}


def trackers_from_dict(data: Mapping[str, Any]) -> Trackers:
    """Raises TypeError, ValueError, KeyError or AttributeError for what is no such object."""
    interval = data["interval"]
    trackers = Trackers(
        **{
            **data,
            "interval": Averages(int(interval["updates"]), _numbers(interval["sums"])),
            "latest": _numbers(data["latest"]),
            "unwritten": tuple(data["unwritten"]),
            "clocks": _numbers(data["clocks"]),
        }
    )
    steps = [trackers.logged, trackers.evaluated, trackers.saved]
    steps += [json.loads(line)["step"] for line in trackers.unwritten]
    if not all(type(step) is int and step >= 0 for step in steps):
        raise ValueError("a step is a number from 0 on")
    return trackers


def crossed(before: int, now: int, interval: int) -> bool:
    """Whether a multiple of the interval lies in (before, now]; 0: never."""
    return interval > 0 and now // interval > before // interval


def finite(values: Values) -> dict[str, float | None]:
    """As JSON has them: null for what is no finite number."""
    return {name: value if math.isfinite(value) else None for name, value in values.items()}


def _portable(values: Values) -> dict[str, float | str]:
    return {name: value if math.isfinite(value) else str(value) for name, value in values.items()}


def _numbers(values: Mapping[str, Any]) -> dict[str, float]:
    return {name: float(value) for name, value in values.items()}

"""Lines of metrics, from a log or a file of a kernel: numbers, and nothing else is believed."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from kaggle_bridge.models import Metric, TrainingRun

MOST_NAMES = 200
MOST_CHARS = 100
MOST_SERIES = 200  # of a run, the first ones
SAMPLE = 100
MOST_EVENT_CHARS = 20_000
LARGEST = 1e100  # beyond it no chart can be drawn
BEYOND = 10_000_000  # steps that a last update may pass a run's total by, and more
MOST_LINES = 100_000  # of a run


def keep(run: TrainingRun, lines: Iterable[Mapping[str, Any]]) -> int:
    """Adds those whose step is not there yet; returns the highest step among the lines."""
    found = {step: line for line in lines if (step := _step(run, line)) is not None}
    known = set(run.metrics.values_list("step", flat=True))
    new = sorted(found.keys() - known)[: max(MOST_LINES - len(known), 0)]
    if new:
        names = _names(run)
        rows = [_row(run, step, found[step], names) for step in new]
        Metric.objects.bulk_create(rows, batch_size=500, ignore_conflicts=True)
    return max(found, default=0)


def _step(run: TrainingRun, line: Mapping[str, Any]) -> int | None:
    """None where it can be no step of this run."""
    step = line.get("step")
    return step if type(step) is int and is_possible(run, step) else None


def is_possible(run: TrainingRun, step: int) -> bool:
    return 0 <= step <= 2 * run.total_steps + BEYOND


def _names(run: TrainingRun) -> set[str]:
    """Of the metrics so far, as far as few lines tell: most have all of them."""
    rows = run.metrics.order_by("-step").values_list("values", flat=True)[:SAMPLE]
    return {name for values in rows for name in values}


def _row(run: TrainingRun, step: int, line: Mapping[str, Any], names: set[str]) -> Metric:
    """names: those of the run; it gains what is new in the line while there is room."""
    values = {}
    for name, value in list(line.items())[:MOST_NAMES]:
        is_known = name in names or len(names) < MOST_SERIES
        if name != "step" and len(name) <= MOST_CHARS and is_known and _is_number(value):
            names.add(name)
            values[name] = value
    if events := _events(run, line.get("events")):
        values["events"] = events
    return Metric(run=run, step=step, values=values)


def _is_number(value: object) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and -LARGEST < value < LARGEST  # type: ignore[operator]


def _events(run: TrainingRun, found: object) -> list[dict[str, Any]]:
    told = [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
    events = [each for each in told if _step(run, each) is not None]
    try:
        return events if len(json.dumps(events, allow_nan=False)) <= MOST_EVENT_CHARS else []
    except (ValueError, RecursionError):
        return []

"""Lines of metrics, from a log or a file of a kernel: numbers, and nothing else is believed."""

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

from kaggle_bridge.models import Metric, TrainingRun

MOST_NAMES = 200
MOST_CHARS = 100
MOST_EVENT_CHARS = 20_000
MOST_INT = 2**63
BEYOND = 10_000_000  # steps that a last update may pass a run's total by, and more
MOST_LINES = 100_000  # of a run


def keep(run: TrainingRun, lines: Iterable[Mapping[str, Any]]) -> int:
    """Adds those whose step is not there yet; returns the highest step among the lines."""
    found = {step: line for line in lines if (step := _step(run, line)) is not None}
    known = set(run.metrics.values_list("step", flat=True))
    new = sorted(found.keys() - known)[: max(MOST_LINES - len(known), 0)]
    if new:
        rows = [_row(run, step, found[step]) for step in new]
        Metric.objects.bulk_create(rows, batch_size=500, ignore_conflicts=True)
    return max(found, default=0)


def _step(run: TrainingRun, line: Mapping[str, Any]) -> int | None:
    """None where it can be no step of this run."""
    step = line.get("step")
    is_step = type(step) is int and 0 <= step <= 2 * run.total_steps + BEYOND
    return step if is_step else None


def _row(run: TrainingRun, step: int, line: Mapping[str, Any]) -> Metric:
    values = {
        name: value
        for name, value in list(line.items())[:MOST_NAMES]
        if name != "step" and len(name) <= MOST_CHARS and _is_number(value)
    }
    if events := _events(line.get("events")):
        values["events"] = events
    return Metric(run=run, step=step, values=values)


def _is_number(value: object) -> bool:
    if isinstance(value, bool):
        return False
    is_int = isinstance(value, int) and abs(value) < MOST_INT
    return is_int or (isinstance(value, float) and math.isfinite(value))


def _events(found: object) -> list[dict[str, Any]]:
    events = [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
    try:
        return events if len(json.dumps(events, allow_nan=False)) <= MOST_EVENT_CHARS else []
    except ValueError:
        return []

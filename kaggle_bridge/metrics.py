"""Lines of metrics, from a log or a file of a kernel: numbers, and nothing else is believed."""

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

from kaggle_bridge.models import Metric, TrainingRun

MOST_NAMES = 200
MOST_CHARS = 100
MOST_EVENT_CHARS = 20_000
MOST_STEP = 2**62


def keep(run: TrainingRun, lines: Iterable[Mapping[str, Any]]) -> int:
    """Adds those whose step is not there yet; returns the highest step among the lines."""
    rows = [row for line in lines if (row := _row(run, line)) is not None]
    Metric.objects.bulk_create(rows, batch_size=500, ignore_conflicts=True)
    return max((row.step for row in rows), default=0)


def _row(run: TrainingRun, line: Mapping[str, Any]) -> Metric | None:
    step = line.get("step")
    if type(step) is not int or not 0 <= step <= MOST_STEP:
        return None
    values = {
        name: value
        for name, value in list(line.items())[:MOST_NAMES]
        if name != "step" and len(name) <= MOST_CHARS and _is_number(value)
    }
    if events := _events(line.get("events")):
        values["events"] = events
    return Metric(run=run, step=step, values=values)


def _is_number(value: object) -> bool:
    return type(value) in (int, float) and math.isfinite(value)  # type: ignore[arg-type]


def _events(found: object) -> list[dict[str, Any]]:
    events = [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
    try:
        return events if len(json.dumps(events, allow_nan=False)) <= MOST_EVENT_CHARS else []
    except ValueError:
        return []

"""How the trials of a sweep ended, and which candidate is the best."""

import math
import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from training.metrics import Values
from training.summary import Outcome
from training.trials import Trial

NORMAL_95 = 1.96


@dataclass(frozen=True)
class Result:
    """How a trial ended. objective, low, high: None where the task gave no number."""

    trial: int
    candidate: int
    overrides: dict[str, Any]
    seed: int
    state: str
    reason: str
    step: int
    seconds: float
    objective: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Standing:
    """A candidate: mean over the seeds that were tried, its 95 % interval, its best trial."""

    overrides: dict[str, Any]
    trials: int
    objective: float
    low: float
    high: float
    best_trial: int


def result_of(trial: Trial, outcome: Outcome, objective: str) -> Result:
    values = [_number(outcome.metrics, f"{objective}{end}") for end in ("", "_low", "_high")]
    middle, low, high = values if outcome.code == 0 else (None, None, None)
    return Result(
        trial=trial.number,
        candidate=trial.candidate,
        overrides=dict(trial.overrides),
        seed=trial.seed,
        state=outcome.state,
        reason=outcome.reason,
        step=outcome.step,
        seconds=round(outcome.seconds_in_all, 3),
        objective=middle,
        low=middle if low is None else low,
        high=middle if high is None else high,
    )


def rank(results: Iterable[Result]) -> list[Standing]:
    """The best first: candidates with most seeds tried before others, then by the mean."""
    by_candidate: dict[int, list[Result]] = {}
    for result in results:
        if result.objective is not None:
            by_candidate.setdefault(result.candidate, []).append(result)
    standings = map(_standing, by_candidate.values())
    return sorted(standings, key=lambda each: (-each.trials, -each.objective, each.best_trial))


def _standing(results: list[Result]) -> Standing:
    """The interval is the wider of two: what the trials measured, and how far seeds differ."""
    values = [result.objective or 0.0 for result in results]
    halves = [((result.high or 0.0) - (result.low or 0.0)) / 2 for result in results]
    measured = math.hypot(*halves) / len(results)
    spread = 0.0
    if len(values) > 1:
        spread = NORMAL_95 * statistics.stdev(values) / math.sqrt(len(values))
    mean, half = statistics.fmean(values), max(measured, spread)
    best = max(results, key=lambda result: result.objective or 0.0)
    return Standing(best.overrides, len(results), mean, mean - half, mean + half, best.trial)


def _number(metrics: Values, name: str) -> float | None:
    value = metrics.get(name)
    return value if value is not None and math.isfinite(value) else None

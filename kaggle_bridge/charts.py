"""Geometry of the drawings of training, in per cent of their width and height."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kaggle_bridge.models import Checkpoint, Session, TrainingRun
from kaggle_bridge.series import Series
from kaggle_bridge.words import UNITS
from kaggle_bridge.words import steps as step_words
from league.charts import WIDEST_SE, Scale, nice_bounds, nice_step
from league.models import Entrant, Rating

# House bots farther than this from all of a run's entrants would squeeze the curve.
NEAR_ELO = 300.0
# Numbers from here on have a unit, those below there an exponent.
LARGE, TINY = 1e5, 1e-4
LEAST_GAP = 7.0  # between two labels, per cent of the height


@dataclass(frozen=True)
class Tick:
    """y: from above, per cent."""

    y: float
    label: str


@dataclass(frozen=True)
class Mark:
    """An event, at x per cent."""

    x: float
    label: str


@dataclass(frozen=True)
class LineChart:
    """A metric against the step; band: its interval, empty where none was logged."""

    name: str
    line: str
    band: str
    ticks: list[Tick]
    marks: list[Mark]
    newest: str
    last_step: str
    end: tuple[float, float]

    @property
    def label(self) -> str:
        return f"{self.name} against training step, {self.newest} at step {self.last_step}"


@dataclass(frozen=True)
class Dot:
    """An entrant on the curve."""

    x: float
    y: float
    checkpoint: Checkpoint
    rating: Rating


@dataclass(frozen=True)
class Curve:
    """Ladder rating against training step. anchors: house bots, for comparison."""

    dots: list[Dot]
    line: str
    band: str
    ticks: list[Tick]
    anchors: list[Tick]


@dataclass(frozen=True)
class Bar:
    """A run from its first to its last step, in thousandths."""

    done: float
    ticks: list[float]
    boundaries: list[float]


def bar(run: TrainingRun, checkpoints: Iterable[int], sessions: Iterable[Session]) -> Bar:
    """checkpoints: their steps. sessions: with `resume` selected."""
    scale = Scale(0, max(run.total_steps, 1), 1000)
    starts = {session.resume.step for session in sessions if session.resume}
    return Bar(
        done=scale.at(run.step),
        ticks=[scale.at(step) for step in checkpoints],
        boundaries=[scale.at(step) for step in sorted(starts)],
    )


def line_chart(series: Series, last_step: int) -> LineChart:
    """last_step: the right end, the same for all charts of a run."""
    bottom, top, gap = _bounds(_reach(series))
    x, y = Scale(0, max(last_step, 1), 100), Scale(bottom, top, 100)
    middle = [(x.at(step), 100 - y.at(value)) for step, value, _, _ in series.points]
    band = [
        (x.at(step), 100 - y.at(low), 100 - y.at(high))
        for step, _, low, high in series.points
        if low is not None and high is not None
    ]
    return LineChart(
        name=series.name,
        line=_points(middle),
        band=_outline(band),
        ticks=_ticks(bottom, top, gap),
        marks=[Mark(x.at(event.step), event.kind) for event in series.events],
        newest=number(series.newest),
        last_step=step_words(series.points[-1].step),
        end=middle[-1],
    )


def _reach(series: Series) -> list[float]:
    return [value for _, *values in series.points for value in values if value is not None]


def curve(
    rated: Sequence[tuple[Checkpoint, Rating]], anchors: Iterable[Entrant], last_step: int
) -> Curve | None:
    """The rating with its 95 % band; None before the first match of the first entrant."""
    if not rated:
        return None
    ends = [_interval(rating) for _, rating in rated]
    low, high = min(end[0] for end in ends), max(end[1] for end in ends)
    near = [bot for bot in anchors if low - NEAR_ELO <= bot.rating.elo <= high + NEAR_ELO]
    elos = [bot.rating.elo for bot in near]
    bottom, top, gap = nice_bounds(min([low, *elos]), max([high, *elos]), 5)
    x, y = Scale(0, max(last_step, 1), 100), Scale(bottom, top, 100)
    dots = [
        Dot(x.at(checkpoint.step), round(100 - y.at(rating.elo), 1), checkpoint, rating)
        for checkpoint, rating in rated
    ]
    band = [
        (dot.x, 100 - y.at(low), 100 - y.at(high))
        for dot, (low, high) in zip(dots, ends, strict=True)
    ]
    return Curve(
        dots=dots,
        line=_points([(dot.x, dot.y) for dot in dots]),
        band=_outline(band),
        ticks=_ticks(bottom, top, gap),
        anchors=_apart(
            Tick(round(100 - y.at(bot.rating.elo), 1), bot.submission.builtin) for bot in near
        ),
    )


def _interval(rating: Rating) -> tuple[float, float]:
    """Of 95 %, but no wider than says "unknown"."""
    half = 1.96 * min(rating.se, WIDEST_SE)
    return rating.elo - half, rating.elo + half


def _apart(ticks: Iterable[Tick]) -> list[Tick]:
    """Those whose labels do not run into each other, from above."""
    kept: list[Tick] = []
    for tick in sorted(ticks, key=lambda tick: tick.y):
        if not kept or tick.y - kept[-1].y >= LEAST_GAP:
            kept.append(tick)
    return kept


# Axes


def _bounds(values: Sequence[float], parts: int = 3) -> tuple[float, float, float]:
    """Round numbers around the values, and the step between two ticks."""
    low, high = min(values), max(values)
    if high - low < 1e-6 * max(abs(low), abs(high), 1e-6):  # a constant: in the middle
        half = abs(low) / 20 or 1.0
        low, high = low - half, high + half
    gap = nice_step(high - low, parts)
    bottom = math.floor(low / gap) * gap
    top = max(math.ceil(high / gap) * gap, bottom + gap)
    return bottom, top, gap


def _ticks(bottom: float, top: float, gap: float) -> list[Tick]:
    """The highest first."""
    scale, count = Scale(bottom, top, 100), round((top - bottom) / gap)
    places = [bottom + i * gap for i in range(count, -1, -1)]
    return [Tick(round(100 - scale.at(value), 1), tick_label(value, gap)) for value in places]


def tick_label(value: float, gap: float) -> str:
    """With as many decimals as tell it from its neighbours."""
    if abs(value) < gap / 2:
        return "0"
    size, unit = next((each for each in UNITS if abs(value) >= max(each[0], LARGE)), (1, ""))
    text = _fixed(value / size, gap / size) if gap >= TINY else f"{value:.3g}"
    return f"{text} {unit}".strip().replace("-", "−")


def _fixed(value: float, gap: float) -> str:
    decimals = next((n for n in range(9) if math.isclose(gap, round(gap, n), rel_tol=1e-6)), 9)
    return f"{value:.{decimals}f}"


def number(value: float) -> str:
    """Three digits that count."""
    if abs(value) >= LARGE:
        return ("−" if value < 0 else "") + step_words(round(abs(value)))
    text = f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return text.replace("-", "−")


def _points(points: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{x:g},{y:.4g}" for x, y in points)


def _outline(band: Sequence[tuple[float, float, float]]) -> str:
    """Along the upper ends and back along the lower ones."""
    upper = [(x, high) for x, _, high in band]
    return _points(upper + [(x, low) for x, low, _ in reversed(band)])

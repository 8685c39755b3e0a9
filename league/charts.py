"""Geometry of the small drawings on pages, as plain numbers; templates write the SVG."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from league.models import Rating, RatingPoint

# An interval wider than this says "unknown"; it must not squeeze all the others on the scale.
WIDEST_SE = 120.0


@dataclass(frozen=True)
class Scale:
    """Maps values from `low` to `high` onto 0 to `size`, cut off at both ends."""

    low: float
    high: float
    size: float

    def at(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return round(min(max(share, 0.0), 1.0) * self.size, 1)


def nice_step(span: float, parts: int) -> float:
    """A step of 1, 2, 2.5 or 5 times a power of ten that covers `span` in about `parts`."""
    rough = max(span, 1e-9) / parts
    power = 10.0 ** math.floor(math.log10(rough))
    return next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= rough)


def nice_bounds(low: float, high: float, parts: int) -> tuple[float, float, float]:
    step = nice_step(max(high - low, 20.0), parts)
    bottom = math.floor(low / step) * step
    top = max(math.ceil(high / step) * step, bottom + step)
    return bottom, top, step


def ladder_scale(ratings: Sequence[Rating], size: float = 160) -> Scale:
    """One scale for all intervals of a page, so that overlaps can be seen."""
    if not ratings:
        return Scale(900, 1100, size)
    reach = [1.96 * min(rating.se, WIDEST_SE) for rating in ratings]
    low = min(r.elo - width for r, width in zip(ratings, reach, strict=True))
    high = max(r.elo + width for r, width in zip(ratings, reach, strict=True))
    bottom, top, _ = nice_bounds(low, high, 6)
    return Scale(bottom, top, size)


@dataclass(frozen=True)
class Point:
    """A published rating on the chart: position in per cent of the drawing, and what it says."""

    x: float
    y: float
    rating: RatingPoint


@dataclass(frozen=True)
class HistoryChart:
    """Width and height are 100 units each; the page stretches them and keeps strokes thin.

    lock_x: where the final evaluation begins, which counts its own games only; None if elsewhere.
    """

    points: list[Point]
    line: str
    band: str
    ticks: list[tuple[float, int]]
    first_matches: int
    last_matches: int
    lock_x: float | None = None


def history_chart(
    history: Sequence[RatingPoint], locked_at: datetime | None = None
) -> HistoryChart | None:
    """The rating with its 95 % band, fit by fit; None with fewer than two points."""
    if len(history) < 2:
        return None
    reach = [1.96 * min(point.se, WIDEST_SE) for point in history]
    bottom, top, step = nice_bounds(
        min(p.elo - width for p, width in zip(history, reach, strict=True)),
        max(p.elo + width for p, width in zip(history, reach, strict=True)),
        4,
    )
    y = Scale(bottom, top, 100)
    x = Scale(0, len(history) - 1, 100)
    points = [Point(x.at(i), 100 - y.at(p.elo), p) for i, p in enumerate(history)]
    upper = [(p.x, 100 - y.at(p.rating.elo + w)) for p, w in zip(points, reach, strict=True)]
    lower = [(p.x, 100 - y.at(p.rating.elo - w)) for p, w in zip(points, reach, strict=True)]
    return HistoryChart(
        points=points,
        line=_polyline([(p.x, p.y) for p in points]),
        band=_polyline(upper + lower[::-1]),
        ticks=_ticks(bottom, top, step),
        first_matches=history[0].matches,
        last_matches=history[-1].matches,
        lock_x=_lock_x(history, locked_at, x),
    )


def _lock_x(history: Sequence[RatingPoint], locked_at: datetime | None, x: Scale) -> float | None:
    """Between the last point before the lock and the first one after it."""
    before = sum(1 for point in history if locked_at and point.created < locked_at)
    return x.at(before - 0.5) if 0 < before < len(history) else None


def _ticks(bottom: float, top: float, step: float) -> list[tuple[float, int]]:
    """Position from above in per cent, and value; the highest first."""
    scale = Scale(bottom, top, 100)
    count = round((top - bottom) / step)
    return [
        (round(100 - scale.at(bottom + i * step), 1), round(bottom + i * step))
        for i in range(count, -1, -1)
    ]


def _polyline(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:g},{y:g}" for x, y in points)


def spark_line(values: Sequence[float], width: float = 72, height: float = 18) -> str:
    """The points of a sparkline, oldest first; empty with fewer than two values."""
    if len(values) < 2:
        return ""
    # At least 40 points of Elo fill the height, so that noise does not look like drama.
    middle = (min(values) + max(values)) / 2
    half = max((max(values) - min(values)) / 2, 20.0)
    x, y = Scale(0, len(values) - 1, width - 4), Scale(middle - half, middle + half, height - 4)
    return _polyline([(x.at(i) + 2, height - 2 - y.at(v)) for i, v in enumerate(values)])


@dataclass(frozen=True)
class Histogram:
    """Bars (x, height) in per cent, the limit's position, and the right end of the scale."""

    bars: list[tuple[float, float]]
    limit_x: float
    end_s: float
    slowest_s: float
    count: int


def move_times(seconds: Sequence[float], limit_s: float, bins: int = 40) -> Histogram | None:
    """How long moves took, with the limit drawn in."""
    if not seconds:
        return None
    end = max(max(seconds), limit_s) * 1.05
    counts = [0] * bins
    for value in seconds:
        counts[min(int(value / end * bins), bins - 1)] += 1
    tallest = math.log1p(max(counts))
    bars = [
        (i * 100 / bins, round(math.log1p(count) / tallest * 100, 1))
        for i, count in enumerate(counts)
        if count
    ]
    return Histogram(bars, round(limit_s / end * 100, 1), round(end, 2), max(seconds), len(seconds))


def move_scale(moves: Sequence[dict[str, Any]], limit_s: float, size: float = 120) -> Scale:
    """One scale for the bars of all moves of a seat; the limit is always on it."""
    longest = max((max(move["seconds"], move["wall"] or 0) for move in moves), default=0)
    return Scale(0, max(longest, limit_s, 1e-3) * 1.02, size)


def hour_bars(counts: Sequence[int], most: int, height: float = 20) -> list[tuple[int, float]]:
    """A bar (place, height) for each hour that has any; whatever happened at all can be seen."""
    scale = Scale(0, max(most, 1), height)
    return [(place, max(scale.at(count), 1.0)) for place, count in enumerate(counts) if count]

"""How good a player becomes as it trains: what is stored, and its chart."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.chart import Line, Point, line_chart

ALONE, SEARCHED, EXPORTED, YARDSTICK = "#1d4ed8", "#c2410c", "#15803d", "#6b7280"
BOTTOM, TOP = 0.3, 1.0
LINES = (("network alone", ALONE), ("with search", SEARCHED), ("exported", EXPORTED))
SHOWN = ("random", "negamax depth 4")


class Shares(NamedTuple):
    """Of moves that keep the value: the network alone; with training's search; as exported."""

    alone: float
    searched: float
    exported: float


class Judged(NamedTuple):
    """A moment of a run: seconds of training, moves played, shares of all positions and of those
    that a short full search does not decide."""

    seconds: float
    moves: int
    everywhere: Shares
    beyond: Shares

    def plain(self) -> dict[str, Any]:
        shares = {"everywhere": self.everywhere._asdict(), "beyond": self.beyond._asdict()}
        return {"seconds": round(self.seconds, 1), "moves": self.moves, **shares}


Curve = Sequence[Judged]  # of one seed


def chart(curves: Sequence[Curve], where: str) -> str:
    """All seeds thin, their means thick, and what random play and negamax reach. where: of x."""
    end = max(curve[-1].seconds for curve in curves)
    yardsticks = json.loads(Path(__file__).with_name("connectx_positions.json").read_text())[
        "yardsticks"
    ]["held_out"]
    lines = [
        Line([(0, yardsticks[name][0]), (end, yardsticks[name][0])], YARDSTICK, name, dashed=True)
        for name in SHOWN
    ]
    for place, (label, colour) in enumerate(LINES):
        each = [
            [(judged.seconds, judged.everywhere[place]) for judged in curve] for curve in curves
        ]
        lines += [Line(points, colour, faint=True) for points in each]
        mean = mean_of(each)
        lines.append(Line(mean, colour, f"{label} {mean[-1][1]:.2f}"))
    title = "connectx: share of moves that keep the value of the position"
    return line_chart(title, where, lines, BOTTOM, TOP)


def mean_of(curves: Sequence[Sequence[Point]]) -> list[Point]:
    """At the times of the curve that has fewest; the others are straight between their points."""
    times = [x for x, _ in min(curves, key=len)]
    values = [np.interp(times, [x for x, _ in curve], [y for _, y in curve]) for curve in curves]
    return list(zip(times, np.mean(values, axis=0).tolist(), strict=True))

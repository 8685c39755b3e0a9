"""The differences of an ablation as an SVG picture: a dot and an interval for each condition."""

import math
from collections.abc import Sequence
from html import escape

from training.ablation_figures import LESS, MORE, Difference, Row

WIDTH, LEFT, RIGHT, TOP, LINE, BOTTOM = 720, 190, 150, 64, 28, 50
COLOURS = {MORE: "#047857", LESS: "#b91c1c"}
INK, FAINT, TITLE = "#4b5563", "#e5e7eb", "#111827"
STYLE = "font:13px system-ui,sans-serif"
MARGIN = 1.05  # what the axis shows beyond the last interval
APART = 36  # pixels between ticks
ROUND = tuple(n * 10.0**power for power in range(4, -2, -1) for n in (5, 2, 1))

Ends = tuple[float, float, float]


def chart(title: str, rows: Sequence[Row]) -> str:
    """Differences in percent of the reference, or in items where a reference delivers nothing."""
    told = [(row, row.difference) for row in rows if row.difference is not None]
    in_percent = all(each.percent for _, each in told)
    ends = [_ends(each, in_percent) for _, each in told]
    low, high = min(end[1] for end in ends), max(end[2] for end in ends)
    scale = _Scale(MARGIN * min(low, 0.0), MARGIN * max(high, 0.0))
    floor = TOP + LINE * len(told)
    unit = "%" if in_percent else "items an episode"
    label = f"difference in {unit} with its 95 % interval, on a square-root scale"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {floor + BOTTOM}"'
        f' role="img" aria-label="{escape(title)}" style="{STYLE}">',
        f'<rect width="{WIDTH}" height="{floor + BOTTOM}" fill="#ffffff"/>',
        _text(16, 24, title, TITLE, "start", "font-weight:600"),
        _text(WIDTH - 16, TOP - 12, "items an episode", INK, "end"),
        *(_tick(scale.at(tick), tick, floor) for tick in scale.ticks()),
        *(
            _row(row, each, end, scale, TOP + LINE * (number + 0.5))
            for number, ((row, each), end) in enumerate(zip(told, ends, strict=True))
        ),
        _text((LEFT + WIDTH - RIGHT) / 2, floor + 40, label, INK, "middle"),
        "</svg>\n",
    ]
    return "\n".join(parts)


class _Scale:
    """Maps low to high onto the drawing by their square roots: small differences are seen, too."""

    def __init__(self, low: float, high: float) -> None:
        self._low, self._high = (low, high) if low < high else (-1.0, 1.0)

    def at(self, value: float) -> float:
        share = (_root(value) - _root(self._low)) / (_root(self._high) - _root(self._low))
        return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)

    def ticks(self) -> list[float]:
        """0 and round numbers on either side, the largest first, none too near another."""
        kept = [0.0]
        for size in ROUND:
            for tick in (-size, size):
                places = (self.at(tick) - self.at(other) for other in kept)
                if self._low <= tick <= self._high and all(abs(gap) >= APART for gap in places):
                    kept.append(tick)
        return kept


def _root(value: float) -> float:
    return math.copysign(math.sqrt(abs(value)), value)


def _ends(found: Difference, in_percent: bool) -> Ends:
    """Value, low and high."""
    return (found.percent if in_percent else None) or found[:3]


def _row(row: Row, found: Difference, ends: Ends, scale: _Scale, height: float) -> str:
    value, low, high = (scale.at(end) for end in ends)
    colour = COLOURS.get(found.word, INK)
    return (
        _text(LEFT - 14, height + 4, row.name, TITLE, "end")
        + f'<path d="M{low:g} {height:g}H{high:g}" stroke="{colour}" stroke-width="3"/>'
        + f'<circle cx="{value:g}" cy="{height:g}" r="5" fill="{colour}"/>'
        + _text(WIDTH - 16, height + 4, f"{row.delivered:,.0f}", colour, "end")
    )


def _tick(x: float, value: float, floor: float) -> str:
    colour, label = (FAINT, f"{value:+g}") if value else (INK, "0")
    rule = f'<path d="M{x:g} {TOP}V{floor}" stroke="{colour}"/>'
    return rule + _text(x, floor + 18, label, INK, "middle")


def _text(x: float, y: float, words: str, colour: str, anchor: str, style: str = "") -> str:
    styled = f' style="{style}"' if style else ""
    return (
        f'<text x="{x:g}" y="{y:g}" fill="{colour}" text-anchor="{anchor}"{styled}>'
        f"{escape(words)}</text>"
    )

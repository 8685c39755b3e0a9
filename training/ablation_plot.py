"""The differences of an ablation as an SVG picture: a dot and an interval for each condition."""

import math
from collections.abc import Sequence
from html import escape

from training.ablation_figures import LESS, MORE, Difference, Row

WIDTH, LEFT, RIGHT, TOP, LINE, BOTTOM = 720, 190, 150, 64, 28, 50
COLOURS = {MORE: "#047857", LESS: "#b91c1c"}
INK, FAINT, TITLE = "#4b5563", "#e5e7eb", "#111827"
STYLE = "font:13px system-ui,sans-serif"
TICKS = 6

Ends = tuple[float, float, float]


def chart(title: str, rows: Sequence[Row]) -> str:
    """Differences in percent of the reference, or in items where a reference delivers nothing."""
    told = [(row, row.difference) for row in rows if row.difference is not None]
    in_percent = all(each.percent for _, each in told)
    ends = [_ends(each, in_percent) for _, each in told]
    low, high = min(0.0, *(end[1] for end in ends)), max(0.0, *(end[2] for end in ends))
    step = _round_step(max(high - low, 1e-9) / TICKS)
    first, last = math.floor(low / step), max(math.ceil(high / step), math.floor(low / step) + 1)
    scale = _Scale(first * step, last * step)
    floor = TOP + LINE * len(told)
    unit = "%" if in_percent else "items an episode"
    ticks = [number * step for number in range(first, last + 1)]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {floor + BOTTOM}"'
        f' role="img" aria-label="{escape(title)}" style="{STYLE}">',
        f'<rect width="{WIDTH}" height="{floor + BOTTOM}" fill="#ffffff"/>',
        _text(16, 24, title, TITLE, "start", "font-weight:600"),
        _text(WIDTH - 16, TOP - 12, "items an episode", INK, "end"),
        *(_tick(scale.at(tick), tick, floor, unit == "%") for tick in ticks),
        *(
            _row(row, each, end, scale, TOP + LINE * (number + 0.5))
            for number, ((row, each), end) in enumerate(zip(told, ends, strict=True))
        ),
        _text(
            (LEFT + WIDTH - RIGHT) / 2,
            floor + 40,
            f"difference, {unit}, with its 95 % interval",
            INK,
            "middle",
        ),
        "</svg>\n",
    ]
    return "\n".join(parts)


class _Scale:
    """Maps low to high onto the drawing from left to right."""

    def __init__(self, low: float, high: float) -> None:
        self._low, self._high = low, high

    def at(self, value: float) -> float:
        share = (min(value, self._high) - self._low) / (self._high - self._low)
        return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)


def _ends(found: Difference, in_percent: bool) -> Ends:
    """Value, low and high; what is infinite is drawn at the value."""
    value, low, high = (found.percent if in_percent else None) or found[:3]
    return value, low, high if math.isfinite(high) else value


def _round_step(least: float) -> float:
    """The smallest of 1, 2 or 5 times a power of ten that is no less."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(times * power for times in (1, 2, 5, 10) if times * power >= least * (1 - 1e-9))


def _row(row: Row, found: Difference, ends: Ends, scale: _Scale, height: float) -> str:
    value, low, high = (scale.at(end) for end in ends)
    colour = COLOURS.get(found.word, INK)
    return (
        _text(LEFT - 14, height + 4, row.name, TITLE, "end")
        + f'<path d="M{low:g} {height:g}H{high:g}" stroke="{colour}" stroke-width="3"/>'
        + f'<circle cx="{value:g}" cy="{height:g}" r="5" fill="{colour}"/>'
        + _text(WIDTH - 16, height + 4, f"{row.delivered:,.0f}", colour, "end")
    )


def _tick(x: float, value: float, floor: float, in_percent: bool) -> str:
    colour = INK if value == 0 else FAINT
    label = f"{value:+g}" if value else "0"
    return f'<path d="M{x:g} {TOP}V{floor}" stroke="{colour}"/>' + _text(
        x, floor + 18, f"{label} %" if in_percent else label, INK, "middle"
    )


def _text(x: float, y: float, words: str, colour: str, anchor: str, style: str = "") -> str:
    styled = f' style="{style}"' if style else ""
    return (
        f'<text x="{x:g}" y="{y:g}" fill="{colour}" text-anchor="{anchor}"{styled}>'
        f"{escape(words)}</text>"
    )

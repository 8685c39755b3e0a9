"""Line charts as SVG text, for the documentation: no library, no script, no fonts of their own."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 720, 400
LEFT, RIGHT, TOP, BOTTOM = 56, 150, 48, 48
INK, GRID = "#4b5563", "#e5e7eb"
LABEL_HEIGHT = 15  # what a label at the end of a line needs
STYLE = "font:13px system-ui,sans-serif"

Point = tuple[float, float]


@dataclass(frozen=True)
class Line:
    """label: at the right end, in the line's colour. faint: one of several that another sums up."""

    points: Sequence[Point]
    colour: str
    label: str = ""
    faint: bool = False
    dashed: bool = False


@dataclass(frozen=True)
class Axis:
    """Maps low to high onto the drawing from `start` to `end`, with ticks at round numbers."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 1)

    @property
    def ticks(self) -> list[float]:
        step = round_step((self.high - self.low) / 5)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [round(number * step, 10) for number in range(first, last + 1)]


def round_step(least: float) -> float:
    """The smallest of 1, 2 or 5 times a power of ten that is no less."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(times * power for times in (1, 2, 5, 10) if times * power >= least * (1 - 1e-9))


def line_chart(title: str, x_label: str, lines: Sequence[Line], bottom: float, top: float) -> str:
    """The lines over one x axis that begins at 0, their values between bottom and top."""
    longest = max(x for line in lines for x, _ in line.points)
    x = Axis(0, longest, LEFT, WIDTH - RIGHT)
    y = Axis(bottom, top, HEIGHT - BOTTOM, TOP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"'
        f' aria-label="{escape(title)}" style="{STYLE}">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        _text(LEFT, 24, title, "#111827", "start", "font-weight:600"),
        *_frame(x, y),
        _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, x_label, INK, "middle"),
        *(_polyline(line, x, y) for line in lines),
        *_labels(lines, x, y),
        "</svg>\n",
    ]
    return "\n".join(parts)


def _frame(x: Axis, y: Axis) -> list[str]:
    rules = [
        f'<path d="M{x.start:g} {y.at(tick):g}H{x.end:g}" stroke="{GRID}"/>'
        + _text(x.start - 8, y.at(tick) + 4, f"{tick:g}", INK, "end")
        for tick in y.ticks
    ]
    marks = [_text(x.at(tick), y.start + 18, f"{tick:g}", INK, "middle") for tick in x.ticks]
    return rules + marks


def _polyline(line: Line, x: Axis, y: Axis) -> str:
    points = " ".join(f"{x.at(a):g},{y.at(b):g}" for a, b in line.points)
    width, opacity = (1, ' opacity=".35"') if line.faint else (2, "")
    dashes = ' stroke-dasharray="5 4"' if line.dashed else ""
    return (
        f'<polyline points="{points}" fill="none" stroke="{line.colour}"'
        f' stroke-width="{width}"{dashes}{opacity}/>'
    )


def _labels(lines: Sequence[Line], x: Axis, y: Axis) -> list[str]:
    """Beside the ends of the lines, from above, each far enough below the one before it."""
    ends = sorted((y.at(line.points[-1][1]) + 4, line.label, line.colour) for line in lines)
    texts, floor = [], float("-inf")
    for height, label, colour in ends:
        if label:
            floor = max(height, floor + LABEL_HEIGHT)
            texts.append(_text(x.end + 8, floor, label, colour, "start"))
    return texts


def _text(x: float, y: float, words: str, colour: str, anchor: str, style: str = "") -> str:
    styled = f' style="{style}"' if style else ""
    return (
        f'<text x="{x:g}" y="{y:g}" fill="{colour}" text-anchor="{anchor}"{styled}>'
        f"{escape(words)}</text>"
    )

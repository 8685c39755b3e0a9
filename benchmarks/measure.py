"""Medians of two things measured in turn, and the table that they are printed in."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One line of the table. holds is None for figures without a bound."""

    what: str
    measured: str
    wanted: str
    holds: bool | None = None


def seconds(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def alternate(
    first: Callable[[], object], second: Callable[[], object], rounds: int
) -> tuple[float, float]:
    """Median seconds of both, measured in turn, so that the machine's moods hit both alike."""
    pairs = [(seconds(first), seconds(second)) for _ in range(rounds)]
    return statistics.median(a for a, _ in pairs), statistics.median(b for _, b in pairs)


def table(rows: Sequence[Row]) -> str:
    marks = {True: "yes", False: "NO", None: ""}
    head = ("what", "measured", "wanted", "holds")
    lines = [head, *((row.what, row.measured, row.wanted, marks[row.holds]) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(4)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )

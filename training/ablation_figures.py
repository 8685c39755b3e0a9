"""What an ablation comes to: means, paired intervals, and a word for each. NumPy only."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from training import intervals

MORE, LESS, NEITHER = "more", "less", "no difference shown"
HEADER = (
    f"{'condition':28}{'delivered':>10}{'per life':>9}{'agents':>7}{'births':>7}{'deaths':>7}"
    f"{'difference':>12}{'95 % interval':>20}"
)

Episodes = Mapping[str, NDArray[Any]]  # of each episode, by the names of episodes.Tally


class Difference(NamedTuple):
    """Items more than in the reference, in an episode; low, high: the 95 % interval.

    percent: all three as shares of what the reference delivers, None where that may be nothing.
    """

    value: float
    low: float
    high: float
    percent: tuple[float, float, float] | None

    @property
    def word(self) -> str:
        if self.low > 0:
            return MORE
        return LESS if self.high < 0 else NEITHER


class Row(NamedTuple):
    """Means over the episodes of a condition; population: of agents that live at a time.

    per_life: of what each episode's agents have delivered on average.
    """

    name: str
    reference: str
    delivered: float
    per_life: float
    population: float
    births: float
    deaths: float
    difference: Difference | None

    def __str__(self) -> str:
        row = (
            f"{self.name:28}{self.delivered:10.1f}{self.per_life:9.2f}{self.population:7.1f}"
            f"{self.births:7.1f}{self.deaths:7.1f}"
        )
        return row if self.difference is None else row + _told(self.difference)


def row(name: str, tally: Episodes, reference: str = "", to: Episodes | None = None) -> Row:
    """to: the episodes of the condition with the name `reference`, of the same chances."""
    delivered = np.asarray(tally["delivered"], np.float64)
    other = None if to is None else np.asarray(to["delivered"], np.float64)
    return Row(
        name=name,
        reference=reference,
        delivered=float(delivered.mean()),
        per_life=float(np.mean(delivered / np.asarray(tally["lives"]))),
        population=float(np.mean(tally["population"])),
        births=float(np.mean(tally["births"])),
        deaths=float(np.mean(tally["deaths"])),
        difference=None if other is None else difference(delivered, other),
    )


def difference(first: NDArray[np.float64], second: NDArray[np.float64]) -> Difference:
    """first - second, whose n-th values are of one episode's chances.

    The interval is the paired one of Student's t; that of the share is Fieller's (1954), which
    leaves out 0 where the other does. Both hold for few episodes, too.
    """
    reach = intervals.reach(len(first))
    gaps = first - second
    value, error = float(gaps.mean()), float(reach * gaps.std(ddof=1))
    return Difference(value, value - error, value + error, _percent(first, second, reach))


def _percent(
    first: NDArray[np.float64], second: NDArray[np.float64], reach: float
) -> tuple[float, float, float] | None:
    """first / second - 1 and its ends, where the interval of what `second` comes to is above 0."""
    means = np.array([first.mean(), second.mean()])
    (top, both), (_, base) = np.outer(means, means) - reach**2 * np.cov(first, second)
    if base <= 0:
        return None
    root = max(both**2 - base * top, 0.0) ** 0.5
    ratios = means[0] / means[1], (both - root) / base, (both + root) / base
    value, low, high = (float(100 * (ratio - 1)) for ratio in ratios)
    return value, low, high


def as_json(found: Row) -> dict[str, Any]:
    """Plain, with the word and the ends by their names."""
    data = found._asdict()
    if found.difference is not None:
        data["difference"] = found.difference._asdict() | {"word": found.difference.word}
    return data


def _told(found: Difference) -> str:
    interval = f"[{found.low:+.1f}, {found.high:+.1f}]"
    share = f" ({found.percent[0]:+.0f} %)" if found.percent else ""
    return f"{found.value:+12.1f}{interval:>20}  {found.word}{share}"

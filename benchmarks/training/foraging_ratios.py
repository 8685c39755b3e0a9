"""How much better one thing is than another over seeds, with its interval."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

RESAMPLES = 10_000


class Ratio(NamedTuple):
    """Of two means over seeds; low, high: its 95 % bootstrap interval over them."""

    value: float
    low: float
    high: float

    @property
    def is_above_one(self) -> bool:
        return self.low > 1

    def __str__(self) -> str:
        return f"{self.value:.2f} [{self.low:.2f}, {self.high:.2f}]"


def ratio(first: Sequence[float], second: Sequence[float]) -> Ratio:
    """first over second, whose n-th values are of one seed and drawn together.

    Percentile intervals (Efron and Tibshirani 1993, ch. 13); the same for the same values.
    Raises ValueError where there are not as many of both, or fewer than two.
    """
    if len(first) != len(second) or len(first) < 2:
        raise ValueError("ratios need two seeds or more, and both values of each")
    pairs = np.array([first, second], np.float64)
    draws = np.random.default_rng(0).integers(len(first), size=(RESAMPLES, len(first)))
    with np.errstate(divide="ignore", invalid="ignore"):
        drawn = pairs[0][draws].sum(axis=1) / pairs[1][draws].sum(axis=1)
        value = pairs[0].sum() / pairs[1].sum()
    low, high = np.percentile(drawn, [2.5, 97.5])
    return Ratio(float(value), float(low), float(high))

"""How much better one thing is than another over seeds, with its interval."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from training import intervals


class Ratio(NamedTuple):
    """Of two things, its geometric mean over seeds; low, high: the 95 % interval of that."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.2f} [{self.low:.2f}, {self.high:.2f}]"


def ratio(first: Sequence[float], second: Sequence[float]) -> Ratio:
    """first over second, whose n-th values are of one seed, and each a ratio of its own.

    The interval is that of Student's t over the logarithms of the seeds' ratios.
    Raises ValueError where there are not as many of both, fewer than two, or one is not above 0.
    """
    if len(first) != len(second) or len(first) < 2:
        raise ValueError("ratios need two seeds or more, and both values of each")
    if min(*first, *second) <= 0:
        raise ValueError("a seed without any food delivered has no ratio")
    logs = np.log(np.array(first, np.float64) / np.array(second, np.float64))
    value, error = logs.mean(), intervals.reach(len(logs)) * logs.std(ddof=1)
    low, middle, high = (float(each) for each in np.exp([value - error, value, value + error]))
    return Ratio(middle, low, high)

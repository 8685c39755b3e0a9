"""How far a mean of few values may lie from the true one: intervals by Student's t."""

import math
from functools import cache

HALVINGS = 60


def reach(count: int) -> float:
    """Sample standard deviations from the mean of so many values to each end of its 95 % interval.

    Exact for normal values. Raises ValueError below two of them.
    """
    if count < 2:
        raise ValueError(f"an interval needs two values or more, not {count}")
    return quantile(count - 1) / math.sqrt(count)


@cache
def quantile(freedom: int) -> float:
    """What Student's t with so many degrees of freedom, 1 or more, exceeds in 2.5 % of cases."""
    low, high = 0.0, math.pi / 2
    for _ in range(HALVINGS):
        angle = (low + high) / 2
        low, high = (angle, high) if _within(angle, freedom) < 0.95 else (low, angle)
    return math.sqrt(freedom) * math.tan(low)


def _within(angle: float, freedom: int) -> float:
    """How likely |t| is below sqrt(freedom) * tan(angle) (Abramowitz and Stegun 1964, 26.7.3-4)."""
    odd, square = freedom % 2, math.cos(angle) ** 2
    term = math.cos(angle) if odd else 1.0
    total = 0.0
    for power in range(1 + odd, freedom, 2):
        total += term
        term *= square * power / (power + 1)
    total *= math.sin(angle)
    return 2 / math.pi * (angle + total) if odd else total

"""Which sign beats which, as plain data; no chance in this game."""

from math import copysign
from typing import Any

SIGNS = ("Rock", "Paper", "Scissors", "Spock", "Lizard")


def _score(left: int, right: int) -> float:
    """1 where the left sign wins, -1 where it loses.

    Of two signs at an odd distance the higher wins, at an even distance the lower.
    """
    ahead = left - right if (left + right) % 2 else right - left
    return copysign(1, ahead) if ahead else 0


# Floats, and an integer for a tie, as kaggle-environments adds them up.
SCORES = tuple(tuple(_score(left, right) for right in range(5)) for left in range(5))


def is_sign(action: Any, signs: int) -> bool:
    return isinstance(action, int) and 0 <= action < signs

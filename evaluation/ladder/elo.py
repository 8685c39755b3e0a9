"""The Elo scale, and the quick step of a rating between two joint fits."""

import math
from typing import NamedTuple

POINT = math.log(10) / 400  # one Elo point in natural units of log odds
EQUAL_INFORMATION = 0.2  # Fisher information of an episode between equals, 20 % of them draws


class Rating(NamedTuple):
    """elo: points on the ladder. se: its standard error in the same points."""

    elo: float
    se: float


def expected_score(
    elo_a: float, elo_b: float, seat_advantage: float = 0.0, draw: float = 0.0
) -> float:
    """What A scores on average against B, a draw counted as half (Elo 1978; Davidson 1970).

    seat_advantage: points that A's seat is worth, negative where B has the better seat.
    draw: Davidson's parameter of the game; with 0 this is the classical Elo expectation.
    """
    half_gap = (elo_a - elo_b + seat_advantage) * POINT / 2
    favourite, underdog = 1.0, math.exp(-2 * abs(half_gap))
    tie = draw * math.exp(-abs(half_gap))
    score = (favourite + tie / 2) / (favourite + tie + underdog)
    return score if half_gap >= 0 else 1.0 - score


def quick_step(
    a: Rating,
    b: Rating,
    score_a: float,
    seat_advantage: float = 0.0,
    weight: float = 1.0,
    draw: float = 0.0,
) -> tuple[Rating, Rating]:
    """Both ratings after one more episode; K comes from the standard errors and shrinks with them.

    This is the Kalman step of the model in `fit`, linearised between equals. Its result stands in
    until the next fit and is never the truth.
    """
    information = EQUAL_INFORMATION * weight * POINT**2
    known = 1.0 + information * (a.se**2 + b.se**2)
    surprise = score_a - expected_score(a.elo, b.elo, seat_advantage, draw)
    pull = weight * POINT * surprise / known
    return (
        Rating(a.elo + a.se**2 * pull, _shrunk(a.se, information / known)),
        Rating(b.elo - b.se**2 * pull, _shrunk(b.se, information / known)),
    )


def _shrunk(se: float, gain: float) -> float:
    return se * math.sqrt(1.0 - gain * se**2)

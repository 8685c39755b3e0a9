"""Who plays whom next: the matches that teach most about a ladder, above all around its cut.

`choose_matches` keeps the rules (never one team, seats balanced, one pair in ten far apart);
`is_settled` says when an entrant has been rated well enough. docs/ladder.md explains the choice.
"""

import math
import random
from collections.abc import Iterable, Mapping, Sequence
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np

from evaluation.ladder.counts import Entrant, Floats
from evaluation.ladder.elo import Rating
from evaluation.ladder.field import Candidate, Field, Seats
from evaluation.ladder.scheduler import Pick, scheduler_of

__all__ = [
    "Candidate",
    "Planned",
    "boundary_weights",
    "choose_matches",
    "choose_pairs",
    "is_settled",
    "matches_to_settle",
]

NORMAL = NormalDist()
NEW_SE = 80.0  # standard error above which an entrant counts as little known
CUT_BOOST = 1.0  # a match whose cut weight x both boundary weights exceeds it is for the cut

UNCERTAIN_BOUNDARY = 0.5  # from this boundary weight on the stricter limit holds
EQUALS_SE = 388.0  # standard error that one episode between known equals leaves: 1/sqrt(0.2) points
FIELD_FACTOR = 1.45  # episodes that a real field costs for each one between known equals


class Planned(NamedTuple):
    """A match to play. key: the seed of its episodes.

    why: "far" if drawn from everybody; "reopened" if one of the two is little known and the other,
    settled, plays again for it; "new" if one is little known; "cut" if it is chosen for what it
    tells about the cut; else "near".
    """

    first: Entrant
    second: Entrant
    key: int
    why: str


def choose_pairs(
    candidates: Iterable[Candidate],
    covariance: Floats | None,
    n: int,
    **options: Any,
) -> list[tuple[Entrant, Entrant, int]]:
    """`choose_matches` without the reasons: (first, second, key)."""
    return [planned[:3] for planned in choose_matches(candidates, covariance, n, **options)]


def choose_matches(
    candidates: Iterable[Candidate],
    covariance: Floats | None,
    n: int,
    *,
    met: Mapping[tuple[Entrant, Entrant], float],
    in_flight: Iterable[tuple[Entrant, Entrant]],
    rng: random.Random,
    cut: int = 10,
    cut_weight: float = 3.0,
    paired_seats: bool = True,
) -> list[Planned]:
    """Up to n matches, best first; fewer where no more are allowed or wanted.

    covariance: [N, N] Elo points squared, in the order of `candidates`, and scaled to their errors,
    which may be newer; without it the errors count as independent. met: matches that two have
    played, under either order of the two. in_flight: matches (first, second) under way, which count
    as played. cut: the last rank with a prize. paired_seats: a match is two episodes, seats
    swapped, on the seed that `key` gives.
    """
    field = Field.of(list(candidates), met, 2 if paired_seats else 1)
    seats = Seats(field, rng)
    boundary = _boundary(field, cut)
    scheduler = scheduler_of(field, covariance, boundary, cut_weight, rng)
    for first, second in in_flight:
        if first in field.place and second in field.place:
            seats.take(field.place[first], field.place[second])
            scheduler.play(field.place[first], field.place[second])
    picks: list[Pick] = []
    while len(picks) < n and (pick := scheduler.best()):
        scheduler.play(pick.a, pick.b)
        picks.append(pick)
    seated = seats.assign([(pick.a, pick.b) for pick in picks])
    return [
        Planned(
            field.candidates[first].entrant,
            field.candidates[second].entrant,
            rng.getrandbits(31),
            _why(pick, field, cut_weight * boundary[pick.a] * boundary[pick.b]),
        )
        for pick, (first, second) in zip(picks, seated, strict=True)
    ]


def _boundary(field: Field, cut: int) -> Floats:
    ratings = [Rating(candidate.elo, candidate.se) for candidate in field.candidates]
    return np.array(boundary_weights(ratings, cut))


def _why(pick: Pick, field: Field, at_cut: float) -> str:
    if pick.far:
        return "far"
    a, b = field.candidates[pick.a], field.candidates[pick.b]
    if max(a.se, b.se) > NEW_SE:
        return "new" if a.wants and b.wants else "reopened"
    return "cut" if at_cut > CUT_BOOST else "near"


def boundary_weights(ratings: Sequence[Rating], cut: int) -> list[float]:
    """For each rating how open it is whether it belongs above the cut: 1 = wholly, 0 = decided.

    sqrt(4 p (1 - p)), p the chance to be above the middle between the ranks `cut` and `cut` + 1.
    """
    if not 0 < cut < len(ratings):
        return [0.0] * len(ratings)
    elos = sorted((rating.elo for rating in ratings), reverse=True)
    line = (elos[cut - 1] + elos[cut]) / 2
    above = [NORMAL.cdf((rating.elo - line) / max(rating.se, 1e-9)) for rating in ratings]
    return [math.sqrt(4 * p * (1 - p)) for p in above]


def is_settled(
    rating: Rating,
    matches: int,
    *,
    boundary: float = 0.0,
    se_limit: float = 50.0,
    boundary_se_limit: float = 30.0,
    max_matches: int = 400,
) -> bool:
    """Whether no more matches are needed for it; boundary: its `boundary_weights` value."""
    limit = _limit(boundary, se_limit, boundary_se_limit)
    return rating.se <= limit or matches >= max_matches


def matches_to_settle(
    rating: Rating,
    matches: int,
    *,
    boundary: float = 0.0,
    se_limit: float = 50.0,
    boundary_se_limit: float = 30.0,
    max_matches: int = 400,
    episodes_per_match: int = 2,
) -> int:
    """An estimate of the matches until `is_settled`, if ratings and boundary stay as they are."""
    limit = _limit(boundary, se_limit, boundary_se_limit)
    if rating.se <= limit:
        return 0
    episodes = FIELD_FACTOR * EQUALS_SE**2 * (limit**-2 - rating.se**-2)
    return max(0, min(math.ceil(episodes / episodes_per_match), max_matches - matches))


def _limit(boundary: float, se_limit: float, boundary_se_limit: float) -> float:
    return min(se_limit, boundary_se_limit) if boundary > UNCERTAIN_BOUNDARY else se_limit

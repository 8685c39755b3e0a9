"""How a submission fared against each opponent, beside what the two ratings let expect."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

from django.db.models import Avg, Count

from evaluation.ladder.elo import POINT, expected_score
from league.models import Ladder, Match, MatchSeat, Rating, Submission

EPISODES = 2  # of a match, one from each seat
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Matchup:
    """scored, expected: shares of all points. error: of their difference, one standard deviation.

    is_beyond_chance: the difference is larger than chance makes any of a submission's, 19 times
    out of 20: the opponent suits it better, or worse, than one number each can say.
    """

    submission: Submission
    rating: Rating
    matches: int
    scored: float
    expected: float
    error: float
    is_beyond_chance: bool

    @property
    def difference(self) -> float:
        return self.scored - self.expected


def matchups(submission: Submission, rating: Rating, ladder: Ladder) -> list[Matchup]:
    """Against each opponent in what the ladder counts now, the most played first; two queries."""
    mine = Match.objects.filter(
        seats__submission=submission, stage=ladder.stage,
        state=Match.State.DONE, is_rated=True, is_void=False,
    )  # fmt: skip
    theirs = MatchSeat.objects.filter(match__in=mine).exclude(submission=submission).order_by()
    rows = theirs.values_list("submission").annotate(Count("pk"), Avg("score"))
    played = {pk: (count, 1 - (lost or 0.0)) for pk, count, lost in rows}
    others = Submission.objects.filter(pk__in=played).select_related("team", "entrant__rating")
    others = others.exclude(entrant__is_disqualified=True)
    limit = surprise_limit(len(played))
    found = [_matchup(other, rating, ladder, *played[other.pk], limit) for other in others]
    return sorted(found, key=lambda row: (-row.matches, -row.rating.elo))


def surprise_limit(comparisons: int) -> float:
    """Standard deviations that one of so many differences exceeds by chance once in 20 times."""
    return NormalDist().inv_cdf(1 - (1 - CONFIDENCE) / (2 * max(comparisons, 1)))


def _matchup(
    other: Submission, rating: Rating, ladder: Ladder, matches: int, scored: float, limit: float
) -> Matchup:
    theirs = other.entrant.rating
    expected, variance = expectation(rating, theirs, ladder)
    error = math.sqrt(variance / matches)
    # The ratings themselves are not known better than this.
    slope = expectation_slope(rating, theirs, ladder)
    error = math.hypot(error, slope * math.hypot(rating.se, theirs.se))
    return Matchup(
        submission=other,
        rating=theirs,
        matches=matches,
        scored=scored,
        expected=expected,
        error=error,
        is_beyond_chance=abs(scored - expected) > limit * error,
    )


def expectation(mine: Rating, theirs: Rating, ladder: Ladder) -> tuple[float, float]:
    """Mean and variance of a match's score: one episode from each seat, draws counted as half."""
    means, variances = zip(
        *(_episode(mine.elo - theirs.elo + seat, ladder.draw) for seat in _seats(ladder)),
        strict=True,
    )
    return sum(means) / EPISODES, sum(variances) / EPISODES**2


def expectation_slope(mine: Rating, theirs: Rating, ladder: Ladder) -> float:
    """By how much the expected score grows with a point of Elo."""
    gaps = [mine.elo - theirs.elo + seat for seat in _seats(ladder)]
    higher = sum(expected_score(gap, -1.0, draw=ladder.draw) for gap in gaps)
    return (higher - sum(expected_score(gap, 0.0, draw=ladder.draw) for gap in gaps)) / EPISODES


def _seats(ladder: Ladder) -> Sequence[float]:
    return ladder.seat_advantage, -ladder.seat_advantage


def _episode(gap: float, draw: float) -> tuple[float, float]:
    """Mean and variance of the score of one episode (Davidson 1970)."""
    mean = expected_score(gap, 0.0, draw=draw)
    tie = draw / (2 * math.cosh(gap * POINT / 2) + draw)
    return mean, mean - tie / 4 - mean**2

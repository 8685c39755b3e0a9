"""Ratings: a quick step after each match, and the joint fit that is published from time to time.

The mathematics is `evaluation.ladder`; here are the rows, their locks and their order.
"""

import base64
import itertools
import logging
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import numpy as np
from django.core.cache import cache
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from numpy.typing import NDArray

from evaluation.ladder import elo, fit
from league.models import (
    PROVISIONAL_MATCHES,
    PROVISIONAL_SE,
    Competition,
    Entrant,
    Episode,
    Ladder,
    Match,
    MatchSeat,
    PairCount,
    Rating,
    RatingPoint,
)

logger = logging.getLogger(__name__)

FIT_LEASE = timedelta(minutes=2)
SPARK_POINTS = 24
COVARIANCE_ENTRANTS = 500

TALLIES = ["matches", "wins", "draws", "losses", "crashes", "first_seats", "spent_s"]

# What a fit writes into the table.
PUBLISHED = [
    "elo", "se", "is_quick", "is_provisional", "rank", "rank_low", "rank_high", "fitted_matches",
    "spark",
]  # fmt: skip

PairKey = tuple[int, int]


def count(match: Match, seats: list[MatchSeat], ladder: Ladder) -> bool:
    """Counts a recorded match in the log, the table and the displayed ratings, all at once.

    Runs inside the transaction that records the match and has locked its ladder, and leaves
    each seat's rating_change for the caller to save. Where an entrant was disqualified while it
    played, or the field was locked, the match is logged and does not count.
    """
    entrants = {
        e.submission_id: e
        for e in Entrant.objects.filter(submission__in=[seat.submission_id for seat in seats])
    }
    if len(entrants) < len(seats):
        return False
    # In the log in any case: it counts once a disqualification is undone, or in its own stage.
    Match.objects.filter(pk=match.pk).update(is_rated=True)
    here = Ladder.objects.filter(pk=ladder.pk)
    if match.stage != ladder.stage or any(e.is_disqualified for e in entrants.values()):
        here.update(logged_position=max(e.pk for e in match.episodes.all()))
        return False
    episodes = list(match.episodes.order_by("number").prefetch_related("seats"))
    for key, tally in _pair_tallies(episodes, entrants).items():
        _add_pair_count(match.competition_id, key, tally)
    _nudge(seats, episodes, entrants, ladder)
    here.update(
        logged_position=max(episode.pk for episode in episodes),
        episodes=F("episodes") + len(episodes),
    )
    return True


def _pair_tallies(
    episodes: Iterable[Episode], entrants: dict[int, Entrant]
) -> dict[PairKey, list[float]]:
    """[wins, draws, losses] by (first, second); m players enter as pairs of weight 2/m."""
    tallies: dict[PairKey, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
    for episode in episodes:
        seats = list(episode.seats.all())
        for a, b in itertools.combinations(seats, 2):
            key = (entrants[a.submission_id].pk, entrants[b.submission_id].pk)
            tallies[key][_result_index(a.reward, b.reward)] += 2 / len(seats)
    return tallies


def _result_index(first: float | None, second: float | None) -> int:
    """0 if the first seat won, 1 for a draw, 2 if it lost; no reward (a fault) is below all."""
    a = float("-inf") if first is None else first
    b = float("-inf") if second is None else second
    return 1 if a == b else 0 if a > b else 2


def _add_pair_count(competition_id: int, key: PairKey, tally: list[float]) -> None:
    wins, draws, losses = tally
    pair = PairCount.objects.filter(first_id=key[0], second_id=key[1])
    if not pair.update(
        wins=F("wins") + wins, draws=F("draws") + draws, losses=F("losses") + losses
    ):
        PairCount.objects.create(
            competition_id=competition_id,
            first_id=key[0],
            second_id=key[1],
            wins=wins,
            draws=draws,
            losses=losses,
        )


def _nudge(
    seats: list[MatchSeat], episodes: list[Episode], entrants: dict[int, Entrant], ladder: Ladder
) -> None:
    """The quick Elo step of each pair and episode, and the table's counters."""
    by_entrant = {entrants[seat.submission_id].pk: seat for seat in seats}
    rows = {row.entrant_id: row for row in Rating.objects.filter(entrant__in=by_entrant)}
    before = {pk: row.elo for pk, row in rows.items()}
    for episode in episodes:
        _step_episode(episode, rows, entrants, ladder)
    for pk, row in rows.items():
        seat = by_entrant[pk]
        seat.rating_change = row.elo - before[pk]
        _tally(row, seat)
        row.save(update_fields=[*TALLIES, "elo", "se", "is_quick"])


def _step_episode(
    episode: Episode, rows: dict[int, Rating], entrants: dict[int, Entrant], ladder: Ladder
) -> None:
    seats = list(episode.seats.all())
    for a, b in itertools.combinations(seats, 2):
        first, second = rows[entrants[a.submission_id].pk], rows[entrants[b.submission_id].pk]
        score = 1 - _result_index(a.reward, b.reward) / 2
        new_a, new_b = elo.quick_step(
            elo.Rating(first.elo, first.se),
            elo.Rating(second.elo, second.se),
            score,
            seat_advantage=ladder.seat_advantage,
            weight=2 / len(seats),
            draw=ladder.draw,
        )
        first.elo, first.se, first.is_quick = new_a.elo, new_a.se, True
        second.elo, second.se, second.is_quick = new_b.elo, new_b.se, True
    rows[entrants[seats[0].submission_id].pk].first_seats += 1
    for seat in seats:
        row = rows[entrants[seat.submission_id].pk]
        row.crashes += bool(seat.verdict)
        row.spent_s += seat.spent_s or 0.0


def _tally(row: Rating, seat: MatchSeat) -> None:
    row.matches += 1
    row.wins += seat.outcome == "won"
    row.draws += seat.outcome == "drawn"
    row.losses += seat.outcome == "lost"


# The joint fit


@dataclass(frozen=True)
class Snapshot:
    """All that a fit reads: rows (first, second, wins, draws, losses), and who is in the field."""

    ladder: Ladder
    counts: list[tuple[Any, ...]]
    entrants: list[Entrant]

    def with_counts(self, pairs: dict[PairKey, list[float]]) -> "Snapshot":
        known = {entrant.pk for entrant in self.entrants}
        rows = [(*key, *results) for key, results in pairs.items() if known >= {*key}]
        return replace(self, counts=rows)


def refit(competition: Competition) -> bool:
    """Fits all rated episodes and publishes; False if nothing changed or another fit is running."""
    ladder, _ = Ladder.objects.get_or_create(competition=competition)
    is_current = ladder.is_fitted and ladder.rules_version == str(fit.RULES_VERSION)
    if is_current or not _claim_fit(ladder):
        return False
    try:
        with transaction.atomic():
            taken = snapshot(Ladder.objects.locked(competition.pk))
        _publish(taken, fitted(taken))
    finally:
        Ladder.objects.filter(pk=ladder.pk).update(fitting_until=None)
    return True


def _claim_fit(ladder: Ladder) -> bool:
    """One fit at a time; the claim of a killed one runs out."""
    now = timezone.now()
    free = Ladder.objects.filter(pk=ladder.pk, fitting_until=None)
    late = Ladder.objects.filter(pk=ladder.pk, fitting_until__lt=now)
    until = now + FIT_LEASE
    return bool(free.update(fitting_until=until) or late.update(fitting_until=until))


def snapshot(ladder: Ladder) -> Snapshot:
    """Of a ladder that is locked."""
    counts = (
        PairCount.objects.filter(competition=ladder.competition_id)
        .exclude(first__is_disqualified=True)
        .exclude(second__is_disqualified=True)
        .values_list("first_id", "second_id", "wins", "draws", "losses")
    )
    entrants = Entrant.objects.filter(competition=ladder.competition_id, is_disqualified=False)
    rows = entrants.select_related("rating").order_by("pk")
    return Snapshot(ladder, list(counts), list(rows))


def fitted(taken: Snapshot) -> fit.Fit:
    """A function of the snapshot alone: the same log gives the same numbers."""
    anchor_id, entrants = taken.ladder.competition.anchor_id, taken.entrants
    return fit.fit(
        fit.PairCounts.from_counts(taken.counts),
        [entrant.pk for entrant in entrants],
        anchor=next((e.pk for e in entrants if e.submission_id == anchor_id), None),
        active=[entrant.pk for entrant in entrants if entrant.left is None],
    )


def _publish(taken: Snapshot, found: fit.Fit) -> None:
    ladder, entrants = taken.ladder, taken.entrants
    with transaction.atomic():
        if Ladder.objects.locked(ladder.competition_id).stage != ladder.stage:
            return  # the field was locked meanwhile: this is a fit of games that count no more
        rows = {row.entrant_id: row for row in Rating.objects.filter(entrant__in=entrants)}
        for row in rows.values():
            _apply(row, found)
        RatingPoint.objects.bulk_create(_new_points(ladder.competition_id, entrants, rows))
        Rating.objects.bulk_update(rows.values(), PUBLISHED, batch_size=200)
        Ladder.objects.filter(pk=ladder.pk).update(
            fitted_position=ladder.logged_position,
            fitted_revision=ladder.revision,
            fitted_at=timezone.now(),
            data_hash=found.data_hash,
            rules_version=str(found.rules_version),
            seat_advantage=found.seat_advantage[0],
            seat_advantage_se=found.seat_advantage[1],
            draw=found.draw,
        )
    _keep_covariance(ladder.competition_id, found)


def _new_points(
    competition_id: int, entrants: list[Entrant], rows: dict[int, Rating]
) -> list[RatingPoint]:
    """A point of the history for each entrant that has played since the fit before."""
    newest = _newest_matches(competition_id, entrants)
    points = []
    for entrant in entrants:
        row, known = rows[entrant.pk], entrant.rating.matches  # as in the snapshot
        if known > row.fitted_matches:
            row.fitted_matches = known
            row.spark = [*row.spark, round(row.elo)][-SPARK_POINTS:]
            match_id = newest.get(entrant.submission_id)
            points.append(
                RatingPoint(
                    entrant=entrant, match_id=match_id, elo=row.elo, se=row.se, matches=known
                )
            )
    return points


def _apply(row: Rating, found: fit.Fit) -> None:
    row.elo, row.se = found.ratings[row.entrant_id]
    row.is_quick = False
    row.is_provisional = row.se > PROVISIONAL_SE and row.matches < PROVISIONAL_MATCHES
    row.rank, row.rank_low, row.rank_high = found.rank_intervals.get(
        row.entrant_id, (None, None, None)
    )


def _newest_matches(competition_id: int, entrants: list[Entrant]) -> dict[int, int]:
    """The newest rated match of each entrant that has one the last fit did not know."""
    fresh = [e.submission_id for e in entrants if e.rating.matches > e.rating.fitted_matches]
    rows = MatchSeat.objects.filter(submission__in=fresh, match__is_rated=True).order_by("match_id")
    return dict(rows.values_list("submission_id", "match_id"))


def _keep_covariance(competition_id: int, found: fit.Fit) -> None:
    """For the scheduler, until the next fit; a large field is scheduled without it."""
    if len(found.order) > COVARIANCE_ENTRANTS:
        forget_covariance(competition_id)
        return
    matrix = base64.b64encode(found.covariance.astype("<f4").tobytes()).decode()
    cache.set(_covariance_key(competition_id), [list(found.order), matrix], timeout=None)


def forget_covariance(competition_id: int) -> None:
    cache.delete(_covariance_key(competition_id))


def _covariance_key(competition_id: int) -> str:
    return f"covariance-{competition_id}"


def covariance(competition_id: int, entrants: list[Entrant]) -> NDArray[np.float64] | None:
    """[N, N] in Elo^2 in the order of `entrants`, from the last fit if it is still kept; who is
    new since then stands apart with an error of its own."""
    kept = cache.get(_covariance_key(competition_id))
    if not kept:
        return None
    order, text = kept
    known = np.frombuffer(base64.b64decode(text), dtype="<f4").reshape(len(order), len(order))
    place = {pk: index for index, pk in enumerate(order)}
    places = np.array([place.get(entrant.pk, -1) for entrant in entrants], dtype=int)
    found = np.flatnonzero(places >= 0)
    matrix = np.diag([entrant.rating.se**2 for entrant in entrants]).astype(np.float64)
    matrix[np.ix_(found, found)] = known[np.ix_(places[found], places[found])]
    return matrix

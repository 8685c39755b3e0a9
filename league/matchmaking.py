"""Matchmaking: keeps the workers supplied with the rated matches that teach most."""

import random
from collections import defaultdict
from typing import Any

from django.db import transaction

from evaluation.ladder.elo import Rating
from evaluation.ladder.pairing import Candidate, boundary_weights, choose_pairs, is_settled
from league import live, matches, ratings
from league.models import Competition, Entrant, Ladder, Match, MatchSeat, PairCount, Phase

MATCHES_PER_WORKER = 4


def pair(competition: Competition) -> int:
    """Schedules rated matches until enough are in flight; how many were scheduled."""
    if competition.is_paused or competition.phase not in {Phase.OPEN, Phase.FINAL}:
        return 0
    target = MATCHES_PER_WORKER * live.concurrency()
    with transaction.atomic():
        # One pairing at a time: a second one would not see the matches of the first.
        Ladder.objects.locked(competition.pk)
        in_flight = _in_flight(competition)
        if len(in_flight) > target // 2:
            return 0
        entrants = _entrants(competition)
        pairs = choose_pairs(
            _candidates(entrants, competition),
            ratings.covariance(competition.pk, entrants),
            target - len(in_flight),
            met=_met(competition),
            in_flight=in_flight,
            cut=competition.prize_cut,
            rng=random.SystemRandom(),
        )
        by_pk = {entrant.pk: entrant.submission for entrant in entrants}
        for first, second, key in pairs:
            seats = [by_pk[first], by_pk[second]]
            matches.schedule(competition, Match.Purpose.RATED, seats, key=key)
    return len(pairs)


def _entrants(competition: Competition) -> list[Entrant]:
    rows = Entrant.objects.playing().filter(competition=competition)
    rows = rows.select_related("submission__team", "rating")
    blocked = bool(live.blocked_by())
    return [row for row in rows if not (blocked and row.submission.needs_box)]


def _candidates(entrants: list[Entrant], competition: Competition) -> list[Candidate]:
    errors = [Rating(entrant.rating.elo, entrant.rating.se) for entrant in entrants]
    boundary = boundary_weights(errors, competition.prize_cut)
    return [
        _candidate(entrant, competition, weight)
        for entrant, weight in zip(entrants, boundary, strict=True)
    ]


def _candidate(entrant: Entrant, competition: Competition, boundary: float) -> Candidate:
    rating, submission = entrant.rating, entrant.submission
    return Candidate(
        entrant=entrant.pk,
        # House bots are one team, but they may and should meet each other.
        team=-entrant.pk if submission.is_trusted else submission.team_id,
        elo=rating.elo,
        se=rating.se,
        matches=rating.matches,
        first_seats=rating.first_seats,
        wants=not is_settled(
            Rating(rating.elo, rating.se),
            rating.matches,
            boundary=boundary,
            se_limit=competition.settle_se,
            max_matches=competition.max_matches,
        ),
    )


def _in_flight(competition: Competition) -> list[tuple[int, int]]:
    """(first, second) entrants of each rated match that is not recorded yet."""
    seats = (
        MatchSeat.objects.filter(
            match__competition=competition,
            match__purpose=Match.Purpose.RATED,
            match__state__in=(Match.State.QUEUED, Match.State.DISPATCHED),
        )
        .order_by("match_id", "number")
        .values_list("match_id", "submission__entrant__pk")
    )
    by_match: dict[int, list[int]] = defaultdict(list)
    for match_id, entrant_id in seats:
        by_match[match_id].append(entrant_id)
    return [(pair[0], pair[1]) for pair in by_match.values()]


def _met(competition: Competition) -> dict[tuple[Any, Any], int]:
    """Matches between two entrants, by their unordered pair (smaller key first)."""
    met: dict[tuple[Any, Any], float] = defaultdict(float)
    rows = PairCount.objects.filter(competition=competition)
    for a, b, wins, draws, losses in rows.values_list(
        "first_id", "second_id", "wins", "draws", "losses"
    ):
        met[min(a, b), max(a, b)] += (wins + draws + losses) / 2
    return {pair: round(times) for pair, times in met.items()}

"""Matchmaking: keeps the workers supplied with the rated matches that teach most."""

import random
from collections import defaultdict
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, F, Q
from django.utils import timezone

from evaluation.ladder.elo import Rating
from evaluation.ladder.pairing import Candidate, boundary_weights, choose_matches, is_settled
from league import alerts, outbox, ratings
from league.models import Competition, Entrant, Ladder, Match, MatchSeat, PairCount, Phase, Stage
from league.outbox import Gate, Plan

CUT_WEIGHTS = {Stage.OPEN: 3.0, Stage.FINAL: 6.0}
STAGES = {Phase.OPEN: Stage.OPEN, Phase.FINAL: Stage.FINAL}
# What a match costs beside the agents' own time, in seconds: boxes, recording.
OVERHEAD_S = 0.05
UNPLAYABLE_FOR = timedelta(hours=1)
UNPLAYABLE_AFTER = 3  # matches given up, and none played, in that time


def pair(competition: Competition) -> int:
    """Schedules rated matches until enough are in flight; how many were scheduled."""
    gate = Gate.now()
    stage = STAGES.get(competition.phase)
    if competition.is_paused or gate.closed or stage is None:
        return 0
    target = outbox.matches_in_flight()
    with transaction.atomic():
        # One pairing at a time: a second one would not see the matches of the first.
        if Ladder.objects.locked(competition.pk).stage != stage:
            return 0  # the field is not locked yet
        in_flight = _in_flight(competition)
        if len(in_flight) > target // 2:
            return 0
        entrants = _entrants(competition, gate)
        planned = choose_matches(
            _candidates(entrants, competition, stage),
            ratings.covariance(competition.pk, entrants),
            target - len(in_flight),
            met=_met(competition),
            in_flight=in_flight,
            cut=competition.prize_cut,
            cut_weight=CUT_WEIGHTS[stage],
            rng=random.SystemRandom(),
        )
        by_pk = {entrant.pk: entrant.submission for entrant in entrants}
        plans = [Plan([by_pk[a], by_pk[b]], key, why) for a, b, key, why in planned]
        outbox.send_all(competition, stage, plans)
    return len(plans)


def _entrants(competition: Competition, gate: Gate) -> list[Entrant]:
    rows = Entrant.objects.playing().filter(competition=competition)
    rows = rows.exclude(submission__in=_unplayable(competition))
    rows = rows.select_related("submission__team", "rating")
    return [row for row in rows if not (gate.no_box and row.submission.needs_box)]


def _unplayable(competition: Competition) -> list[int]:
    """Submissions of which no match could be played lately: they must not be picked for ever."""
    recent = MatchSeat.objects.filter(
        match__competition=competition,
        match__purpose=Match.Purpose.RATED,
        match__ended__gte=timezone.now() - UNPLAYABLE_FOR,
    )
    given_up = Q(match__state=Match.State.ABORTED, match__faults__gt=0)
    if not recent.filter(given_up).exists():
        return []
    counts = (
        recent.order_by()
        .values("submission")
        .annotate(
            given_up=Count("pk", filter=given_up),
            played=Count("pk", filter=Q(match__state=Match.State.DONE)),
        )
    )
    found = counts.filter(given_up__gte=UNPLAYABLE_AFTER, played=0)
    unplayable = list(found.values_list("submission", flat=True))
    if unplayable:
        names = ", ".join(f"#{pk}" for pk in unplayable[:10])
        message = f"No match of these could be played in {competition} for an hour: {names}."
        alerts.raise_alert("unplayable", message, competition.slug)
    return unplayable


def _candidates(entrants: list[Entrant], competition: Competition, stage: Stage) -> list[Candidate]:
    errors = [Rating(entrant.rating.elo, entrant.rating.se) for entrant in entrants]
    boundary = boundary_weights(errors, competition.prize_cut)
    costs = _costs(entrants)
    limit = competition.settle_limit(stage)
    return [
        Candidate(
            entrant=entrant.pk,
            team=-entrant.pk
            if entrant.submission.team.meets_itself
            else entrant.submission.team_id,
            elo=error.elo,
            se=error.se,
            matches=entrant.rating.matches,
            first_seats=entrant.rating.first_seats,
            wants=not is_settled(
                error,
                entrant.rating.matches,
                boundary=weight,
                se_limit=limit,
                max_matches=competition.max_matches,
            ),
            cost=cost,
        )
        for entrant, error, weight, cost in zip(entrants, errors, boundary, costs, strict=True)
    ]


def _costs(entrants: list[Entrant]) -> list[float]:
    """Seconds that a match takes because of each; who has not played counts as all the others."""
    played = [entrant.rating for entrant in entrants if entrant.rating.matches]
    mean = sum(r.spent_s for r in played) / max(sum(r.matches for r in played), 1)
    own = [
        entrant.rating.spent_s / entrant.rating.matches if entrant.rating.matches else mean
        for entrant in entrants
    ]
    return [OVERHEAD_S + seconds for seconds in own]


def _in_flight(competition: Competition) -> list[tuple[int, int]]:
    """(first, second) entrants of each rated match that is not recorded yet; those that somebody
    runs again and that still wait are nobody's turn."""
    seats = (
        MatchSeat.objects.filter(
            match__competition=competition,
            match__purpose=Match.Purpose.RATED,
            match__state__in=(Match.State.QUEUED, Match.State.DISPATCHED),
        )
        .exclude(match__state=Match.State.QUEUED, match__repeats__isnull=False)
        .order_by("match_id", "number")
        .values_list("match_id", "submission__entrant__pk")
    )
    by_match: dict[int, list[int]] = defaultdict(list)
    for match_id, entrant_id in seats:
        by_match[match_id].append(entrant_id)
    return [(pair[0], pair[1]) for pair in by_match.values()]


def _met(competition: Competition) -> dict[tuple[Any, Any], float]:
    """Matches between two entrants, under both orders of the two."""
    rows = PairCount.objects.filter(competition=competition)
    played = (F("wins") + F("draws") + F("losses")) / competition.seats
    met: dict[tuple[Any, Any], float] = defaultdict(float)
    for a, b, matches in rows.values_list("first_id", "second_id", played):
        met[min(a, b), max(a, b)] += matches
    return met

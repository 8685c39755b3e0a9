"""The outbox: matches are written down, then sent to workers as far as there is room for them.

The row is the outbox. Nothing depends on a message arriving: `league.sweeper` finds what stands.
"""

import secrets
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from celery.canvas import Signature
from django.db import transaction
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Window
from django.db.models.functions import RowNumber
from django.utils import timezone

from evaluation.broker import FIRST_QUEUE, RATED_QUEUE, VALIDATION_QUEUE
from evaluation.version import code_version
from league import alerts, disk, halts, limits, live
from league.models import Attempt, Competition, Ladder, Match, MatchSeat, Phase, Submission
from league.queue import send

MATCHES_PER_WORKER = 4  # rated ones, of each competition
VALIDATIONS_PER_WORKER = 2
NO_BOX = "Waits: no worker can box strangers' agents at the moment."
PAUSED = "Waits: the competition is paused."
HALTED = "Waits: the organiser has stopped everything"
MAX_SEED = 2**31 - 1

Seats = Sequence[MatchSeat]


@dataclass(frozen=True)
class Gate:
    """What holds matches back at this moment: all of them, or those that need a box."""

    closed: str = ""
    no_box: str = ""

    @classmethod
    def now(cls) -> "Gate":
        if halt := halts.current():
            return cls(closed=f"{HALTED}: {halt.reason}"[:300])
        if disk.is_nearly_full():
            return cls(closed=disk.WAITS)
        blocked_by = live.blocked_by()
        return cls(no_box=no_box(blocked_by) if blocked_by else "")

    def why_waiting(self, match: Match, seats: Seats) -> str:
        """Empty if the match may go out."""
        if match.competition.is_paused:
            return PAUSED
        needs_box = self.no_box and any(seat.submission.needs_box for seat in seats)
        return self.closed or (self.no_box if needs_box else "")


def no_box(reason: str) -> str:
    return f"{NO_BOX} {reason}"[:300]


@transaction.atomic
def schedule(
    competition: Competition,
    purpose: Match.Purpose,
    seats: Sequence[Submission],
    *,
    key: int | None = None,
    candidate: Submission | None = None,
    repeats: Match | None = None,
) -> Match:
    """Writes a match down; `fill` or `dispatch` sends it."""
    now = timezone.now()
    match = Match.objects.create(
        competition=competition,
        purpose=purpose,
        stage=Ladder.objects.stage_of(competition.pk),
        candidate=candidate,
        key=secrets.randbelow(MAX_SEED) if key is None else key,
        state_since=now,
        created=now,
        repeats=repeats,
    )
    MatchSeat.objects.bulk_create(
        MatchSeat(match=match, number=number, submission=submission)
        for number, submission in enumerate(seats)
    )
    return match


@dataclass(frozen=True)
class Plan:
    """A rated match to play, and why it was chosen."""

    seats: Sequence[Submission]
    key: int
    why: str


@transaction.atomic
def send_all(competition: Competition, stage: str, plans: Sequence[Plan]) -> None:
    """Writes rated matches down and sends them at once, in few queries however many they are.

    The caller holds the ladder and has seen that nothing holds them back.
    """
    now = timezone.now()
    matches = Match.objects.bulk_create(
        Match(
            competition=competition, purpose=Match.Purpose.RATED, stage=stage, key=plan.key,
            why=plan.why, state=Match.State.DISPATCHED, state_since=now, created=now,
            attempt_number=1,
        )
        for plan in plans
    )  # fmt: skip
    seats = [
        [MatchSeat(match=match, number=n, submission=one) for n, one in enumerate(plan.seats)]
        for match, plan in zip(matches, plans, strict=True)
    ]
    MatchSeat.objects.bulk_create(chain.from_iterable(seats))
    attempts = Attempt.objects.bulk_create(_first_attempt(match) for match in matches)
    for match, attempt, seated in zip(matches, attempts, seats, strict=True):
        publish(match, attempt, seated)


def _first_attempt(match: Match) -> Attempt:
    return Attempt(match=match, number=1, token=_token(), sent=match.created)


def _token() -> str:
    return secrets.token_urlsafe(24)


# Who of those that wait goes first


def fill() -> int:
    """Sends out what waits, as far as the workers have room; how many were sent."""
    gate = Gate.now()
    waiting = Match.objects.filter(state=Match.State.QUEUED)
    if gate.closed:
        waiting.exclude(reason=gate.closed).update(reason=gate.closed)
        return 0
    due = waiting.filter(Q(not_before=None) | Q(not_before__lte=timezone.now()))
    due = due.filter(competition__is_paused=False)
    if gate.no_box:
        boxed = MatchSeat.objects.filter(
            match=OuterRef("pk"), submission__kind__in=Submission.BOXED
        )
        due.filter(Exists(boxed)).exclude(reason=gate.no_box).update(reason=gate.no_box)
        due = due.exclude(Exists(boxed))
    workers = live.concurrency()  # asks Redis
    validations = _fill_validations(due, gate, VALIDATIONS_PER_WORKER * workers)
    return validations + _fill_rated(due, gate, MATCHES_PER_WORKER * workers)


def matches_in_flight() -> int:
    """How many rated matches of a competition may be with the workers at once."""
    return MATCHES_PER_WORKER * live.concurrency()


def _fill_validations(due: QuerySet[Match], gate: Gate, window: int) -> int:
    """A team's first submission at once; others in turn, first who has the fewest under way."""
    line = due.exclude(purpose=Match.Purpose.RATED).annotate(
        is_first=~Exists(_earlier(OuterRef("candidate_id"), OuterRef("candidate__team_id"),
                                  OuterRef("competition_id"))),
        place=Window(RowNumber(), partition_by=F("candidate__team_id"), order_by="pk"),
    )  # fmt: skip
    waiting = line.filter(place__lte=window).order_by("-is_first", "pk")
    others: list[tuple[int, int]] = []
    sent = 0
    for pk, team, is_first in waiting.values_list("pk", "candidate__team_id", "is_first"):
        if is_first:
            sent += dispatch(pk, gate)
        else:
            others.append((pk, team))
    return sent + _send_in_turn(others, gate, window)


def _send_in_turn(waiting: list[tuple[int, int]], gate: Gate, window: int) -> int:
    under_way = Match.objects.filter(state=Match.State.DISPATCHED).order_by()
    busy = Counter(
        dict(
            under_way.exclude(purpose=Match.Purpose.RATED)
            .values_list("candidate__team_id")
            .annotate(Count("pk"))
        )
    )
    sent = 0
    while waiting and busy.total() < window:
        pk, team = min(waiting, key=lambda one: (busy[one[1]], one[0]))
        waiting.remove((pk, team))
        if dispatch(pk, gate):
            sent += 1
            busy[team] += 1
    return sent


def _fill_rated(due: QuerySet[Match], gate: Gate, window: int) -> int:
    """Those that pairing has asked for go before those that somebody runs again."""
    order = (F("repeats_id").asc(nulls_first=True), "pk")
    place = Window(RowNumber(), partition_by=F("competition_id"), order_by=order)
    line = due.filter(purpose=Match.Purpose.RATED).annotate(place=place)
    waiting = list(line.filter(place__lte=window).order_by(*order).values_list("pk", "competition"))
    if not waiting:
        return 0
    under_way = Match.objects.rated().filter(state=Match.State.DISPATCHED).order_by()
    busy = Counter(dict(under_way.values_list("competition").annotate(Count("pk"))))
    sent = 0
    for pk, competition in waiting:
        if busy[competition] < window and dispatch(pk, gate):
            sent += 1
            busy[competition] += 1
    return sent


def _earlier(candidate: Any, team: Any, competition: Any) -> QuerySet[Submission]:
    """Submissions of the same team that were decided, or sent in, before this one."""
    decided = ~Q(status__in=Submission.UNDECIDED)
    rows = Submission.objects.filter(team=team, competition=competition)
    return rows.filter(decided | Q(pk__lt=candidate)).exclude(pk=candidate)


# Sending


def dispatch(match_id: int, gate: Gate | None = None) -> bool:
    """Sends a waiting match to a worker as a new attempt; False if it has to go on waiting."""
    with transaction.atomic():
        # Two that fill at once take different rows: neither waits for the other.
        rows = Match.objects.select_for_update(skip_locked=True, no_key=True)
        match = rows.filter(pk=match_id, state=Match.State.QUEUED).first()
        if match is None:
            return False
        seats = list(match.seats.select_related("submission__team"))
        if reason := _obsolete(match, seats):
            _cancel(match, reason)
            return False
        if reason := (gate or Gate.now()).why_waiting(match, seats):
            Match.objects.filter(pk=match_id).update(reason=reason)
            return False
        try:
            publish(match, _new_attempt(match), seats)
        except (TypeError, ValueError) as error:  # limits that are no numbers any more
            _give_up(match, str(error))
            return False
    return True


def _obsolete(match: Match, seats: Seats) -> str:
    """Why this match is not wanted any more; empty if it is."""
    if match.candidate:
        wanted, players = Submission.Status.VALIDATING, [match.candidate]
    else:
        wanted, players = Submission.Status.ACTIVE, [seat.submission for seat in seats]
        if match.stage != Ladder.objects.stage_of(match.competition_id):
            return "The final evaluation has begun."
        if match.competition.phase == Phase.CLOSED:
            return "The competition has closed."
        teams = [player.team_id for player in players if not player.is_trusted]
        if len(set(teams)) < len(teams):
            return "Two of them are of one team by now."
    gone = next((player for player in players if player.status != wanted), None)
    return f"{gone} has left: it is {gone.get_status_display()}." if gone else ""


def _give_up(match: Match, problem: str) -> None:
    reason = f"Our fault: it cannot be set up: {problem}"
    match.attempts.filter(state=Attempt.State.SENT).update(
        state=Attempt.State.FAILED, ended=timezone.now(), reason=reason[:300]
    )
    _cancel(match, reason)
    message = f"{match} of {match.competition} cannot be set up: {problem}"
    alerts.raise_alert("match_given_up", message, match.competition.slug)


def _cancel(match: Match, reason: str) -> None:
    now = timezone.now()
    Match.objects.filter(pk=match.pk).update(
        state=Match.State.ABORTED, state_since=now, ended=now, reason=reason[:300]
    )


def _new_attempt(match: Match) -> Attempt:
    now = timezone.now()
    match.attempt_number += 1
    Match.objects.filter(pk=match.pk).update(
        state=Match.State.DISPATCHED,
        state_since=now,
        attempt_number=match.attempt_number,
        not_before=None,
        reason="",
    )
    return Attempt.objects.create(
        match=match, number=match.attempt_number, token=_token(), sent=now
    )


def publish(match: Match, attempt: Attempt, seats: Seats) -> None:
    """Sends the message of an attempt; sending it again is harmless, a worker claims it once."""
    link = Signature("league.record_result", options={"queue": "league"})
    body = [_spec(match, attempt, seats)]
    send("evaluation.play_match", body, queue=_queue(match), link=link)


def _queue(match: Match) -> str:
    candidate = match.candidate
    if candidate is None:
        return RATED_QUEUE
    earlier = _earlier(candidate.pk, candidate.team_id, candidate.competition_id)
    return VALIDATION_QUEUE if earlier.exists() else FIRST_QUEUE


def _spec(match: Match, attempt: Attempt, seats: Seats) -> dict[str, Any]:
    allowed = limits.fields_of(match.competition)
    agents = [_agent(seat.submission, allowed) for seat in seats]
    return {
        "attempt": attempt.pk,
        "token": attempt.token,
        "version": code_version(),
        "report_stages": match.purpose == Match.Purpose.SELF_PLAY,
        "episodes": [
            {
                "environment": match.competition.environment,
                "configuration": match.competition.configuration,
                "agents": [agents[number] for number in seating],
                "seed": match.key,
                "clock": match.competition.clock,
                "pondering": match.competition.pondering,
            }
            for seating in seatings(match, len(seats))
        ],
    }


def seatings(match: Match, count: int) -> list[list[int]]:
    """For each episode, which match seat sits in each seat: two episodes, moved on by one."""
    order = list(range(count))
    if match.purpose == Match.Purpose.SELF_PLAY:
        return [order]
    return [order, order[1:] + order[:1]]


def _agent(submission: Submission, allowed: dict[str, Any]) -> dict[str, Any]:
    agent: dict[str, Any] = {
        "name": submission.full_name,
        **{name: allowed[name] for name in ("startup_s", "memory_mb", "packages")},
    }
    if submission.kind == Submission.Kind.HOUSE:
        return agent | {"kind": "builtin", "source": submission.builtin}
    if submission.kind == Submission.Kind.URL:
        return agent | {"kind": "url", "source": submission.url}
    return agent | {
        "kind": "upload",
        "source": submission.sha256,
        "filename": submission.filename,
    }

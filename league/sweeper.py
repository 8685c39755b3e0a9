"""Nothing stays in one state longer than its limit: what the scheduler looks for every few seconds.

A message may be lost, a worker may be killed, Redis may restart empty. Each rule below starts from
the rows alone and asks Redis only what a row cannot know: who holds an attempt at this moment.
"""

import logging
from datetime import datetime, timedelta
from typing import Any

import redis
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from evaluation import broker
from evaluation.broker import FINISHED, PLAYING
from league import live, matches, outbox, ratings, results, submissions, validation
from league.models import Attempt, Ladder, Match, Submission

logger = logging.getLogger(__name__)

SETTLE = timedelta(seconds=5)  # a message may be on its way
RESEND = timedelta(seconds=15)  # never claimed, and no queue holds it
UNPLAYED = timedelta(minutes=1)  # a validation without a match
BATCH = 200
MOST_ATTEMPTS = 5000


def sweep() -> dict[str, int]:
    """Looks at everything that is not final; counts what was done, by kind."""
    now = timezone.now()
    is_clock_back = _mend_clock(now)
    done = {
        "validated": _begin_validations(now),
        "revived": _revive_validations(now),
        "dispatched": outbox.fill(),
    }
    try:
        if is_clock_back:
            broker.shorten(live.client())
        return done | _check_attempts(now)
    except redis.RedisError as error:
        logger.warning("Redis does not answer; attempts are looked at later: %s", error)
        return done


def _mend_clock(now: datetime) -> bool:
    """Times that cannot be yet, because the clock was set back, become now; whether any did."""
    rows: list[tuple[QuerySet[Any], str, timedelta]] = [
        (Attempt.objects.filter(match__state=Match.State.DISPATCHED), "sent", SETTLE),
        (Match.objects.open(), "state_since", SETTLE),
        (Match.objects.open(), "not_before", matches.LONGEST_BACK_OFF),
        (Submission.objects.undecided(), "status_since", SETTLE),
        (Submission.objects.undecided(), "retry_at", submissions.LONGEST_RETRY),
        (Ladder.objects.all(), "fitting_until", ratings.FIT_LEASE),
    ]
    late = [
        found.filter(**{f"{field}__gt": now + ahead + SETTLE}).update(**{field: now})
        for found, field, ahead in rows
    ]
    return any(late)


def _begin_validations(now: datetime) -> int:
    """Submissions whose task was lost, and those that a fault of ours has postponed."""
    pending = Submission.objects.filter(status=Submission.Status.PENDING).filter(
        Q(retry_at=None, status_since__lt=now - SETTLE) | Q(retry_at__lte=now)
    )
    ids = pending.order_by("pk").values_list("pk", flat=True)[:BATCH]
    return sum(validation.begin(pk) for pk in ids)


def _revive_validations(now: datetime) -> int:
    """Validations that have lost their match: they begin anew."""
    going_on = Match.objects.open().filter(candidate=OuterRef("pk"))
    validating = Submission.objects.filter(
        status=Submission.Status.VALIDATING, status_since__lt=now - UNPLAYED
    )
    lost = list(validating.exclude(Exists(going_on))[:BATCH])
    return sum(submissions.postpone(each, "Our fault: its match was lost.") for each in lost)


def _check_attempts(now: datetime) -> dict[str, int]:
    attempts = list(
        Attempt.objects.filter(
            state=Attempt.State.SENT, match__state=Match.State.DISPATCHED, sent__lt=now - SETTLE
        )
        .select_related("match__competition")
        .order_by("pk")[:MOST_ATTEMPTS]
    )
    states = live.lease_states([attempt.pk for attempt in attempts])
    queued = live.queued_attempts()
    done = {"lost": 0, "resent": 0}
    for attempt in attempts:
        worker, lease = states[attempt.pk]
        if worker is None:
            done["resent"] += _resend_if_lost(attempt, now, queued)
        elif _is_lost(attempt, lease, now):
            done["lost"] += _give_up(attempt, worker, lease)
    return done


def _is_lost(attempt: Attempt, lease: str | None, now: datetime) -> bool:
    """A lease that ran out: the worker died, or its result never came. Or it plays for ever."""
    return lease is None or (
        lease == PLAYING and (now - attempt.sent).total_seconds() > state_limit_s(attempt.match)
    )


def state_limit_s(match: Match) -> float:
    """Longest time a match may be with a worker, from the moment it was sent."""
    run_s = float(match.competition.full_configuration.get("runTimeout", 1200))
    return 2 * (run_s + match.competition.startup_s) + 600


def _give_up(attempt: Attempt, worker: str, lease: str | None) -> bool:
    reason = "our worker was stopped" if lease != FINISHED else "its result was lost"
    logger.warning("attempt %s of match %s: %s", attempt.number, attempt.match_id, reason)
    Attempt.objects.filter(pk=attempt.pk).update(worker=results.storable(worker)[:120])
    return matches.fail(attempt, Attempt.State.LOST, reason)


def _resend_if_lost(attempt: Attempt, now: datetime, queued: set[int]) -> bool:
    """The same attempt again: if the first message turns up after all, it is claimed once."""
    if attempt.sent > now - RESEND or attempt.pk in queued:
        return False
    seats = list(attempt.match.seats.select_related("submission__team"))
    Attempt.objects.filter(pk=attempt.pk).update(sent=now)
    outbox.publish(attempt.match, attempt, seats)
    return True


def overdue(now: datetime) -> list[dict[str, Any]]:
    """What has stood in one state for over ten minutes and should not: for the organiser, oldest
    first. What waits in a paused competition, or is run again, is meant to wait."""
    old = now - timedelta(minutes=10)
    queued = Q(state=Match.State.QUEUED)
    meant = queued & (Q(competition__is_paused=True) | Q(repeats__isnull=False))
    standing = Match.objects.open().filter(state_since__lt=old).exclude(meant)
    rows: list[dict[str, Any]] = [
        {"what": match, "state": match.get_state_display(), "since": match.state_since,
         "reason": match.reason}
        for match in standing.order_by("state_since")[:20]
    ]  # fmt: skip
    late = Submission.objects.undecided().filter(status_since__lt=old, competition__is_paused=False)
    rows += [
        {"what": submission, "state": submission.get_status_display(),
         "since": submission.status_since, "reason": submission.verdict_message}
        for submission in late.select_related("team").order_by("status_since")[:20]
    ]  # fmt: skip
    return sorted(rows, key=lambda row: row["since"])

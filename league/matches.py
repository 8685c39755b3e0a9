"""Matches: recorded once, tried again when something of ours broke, and what an organiser does.

`league.outbox` sends them, `league.validation` says what follows from those of a new submission.
"""

import base64
import logging
import random
import secrets
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from league import (
    alerts,
    ledger,
    limits,
    outbox,
    ratings,
    results,
    storage,
    submissions,
    validation,
)
from league.errors import Conflict
from league.models import (
    Attempt,
    AuditEntry,
    Episode,
    EpisodeSeat,
    Ladder,
    Match,
    MatchSeat,
    Submission,
)
from league.queue import later

logger = logging.getLogger(__name__)

MAX_INTERRUPTIONS = 10  # of a match whose workers vanish: it may be what ends them
SEAT_FIELDS = [
    "status", "verdict", "verdict_reason", "verdict_message", "score", "reward", "rating_change"
]  # fmt: skip
BACK_OFF, LONGEST_BACK_OFF = timedelta(seconds=2), timedelta(minutes=5)


# Recording: one result an episode, whatever is delivered twice, late or forged.


def record(raw: dict[str, Any]) -> bool:
    """Takes a worker's result; True if it counted. A malformed one raises results.ResultError."""
    outcome = results.parse(raw)
    if outcome.repeated:
        return False
    with transaction.atomic():
        attempt = _current_attempt(outcome.attempt, outcome.token)
        if attempt is None:
            logger.warning("refused a late or forged result for attempt %s", outcome.attempt)
            return False
        if outcome.put_back:
            return put_back(attempt, outcome.put_back)
        problem = outcome.fault or _mismatch(attempt.match, outcome)
        if problem:
            return fail(attempt, Attempt.State.FAILED, problem)
        return _record_outcome(attempt, outcome)


def _current_attempt(attempt_id: int, token: str) -> Attempt | None:
    attempt = (
        Attempt.objects.select_related("match__competition", "match__candidate__team")
        .filter(pk=attempt_id, state=Attempt.State.SENT)
        .first()
    )
    if attempt is None or attempt.number != attempt.match.attempt_number:
        return None
    is_genuine = secrets.compare_digest(attempt.token.encode(), token.encode())
    return attempt if is_genuine else None


def _mismatch(match: Match, outcome: results.Outcome) -> str:
    """What in a well-formed result does not fit its match; empty if all does."""
    if outcome.rejected and not match.candidate_id:
        return "The worker could not unpack what was unpacked before."
    if outcome.rejected:
        known = match.seats.filter(submission__sha256=outcome.rejected.sha256).exists()
        return "" if known else "The worker rejected an upload that does not play here."
    count = match.seats.count()
    if len(outcome.episodes) != len(outbox.seatings(match, count)):
        return "The worker answered with another number of episodes."
    if not all(episode.has_seats(count) for episode in outcome.episodes):
        return "The worker answered with another number of seats."
    return ""


def _record_outcome(attempt: Attempt, outcome: results.Outcome) -> bool:
    match = attempt.match
    ladder = Ladder.objects.locked(match.competition_id)
    if not _close(attempt, Attempt.State.DONE, Match.State.DONE, worker=outcome.worker):
        return False
    seats = list(match.seats.select_related("submission__team"))
    if outcome.rejected:
        validation.reject_upload(match, seats, outcome.rejected)
    else:
        _take_in(match, seats, outcome.episodes, ladder)
    MatchSeat.objects.bulk_update(seats, SEAT_FIELDS)
    if match.candidate:
        outbox.fill()
    else:
        later("league.pair", match.competition_id)
    return True


def _take_in(
    match: Match, seats: list[MatchSeat], episodes: list[results.EpisodeOutcome], ladder: Ladder
) -> None:
    seatings = outbox.seatings(match, len(seats))
    for number, (episode, seating) in enumerate(zip(episodes, seatings, strict=True)):
        _save_episode(match, number, episode, [seats[i] for i in seating])
    if match.candidate:
        validation.go_on(match, seats)
    else:
        ratings.count(match, seats, ladder)


def _close(attempt: Attempt, ended: Attempt.State, state: Match.State, **fields: Any) -> bool:
    """Moves attempt and match on together; False if somebody else has done so."""
    now = timezone.now()
    closed = Attempt.objects.filter(pk=attempt.pk, state=Attempt.State.SENT).update(
        state=ended, ended=now, **fields
    )
    moved = closed and Match.objects.filter(
        pk=attempt.match_id, state=Match.State.DISPATCHED, attempt_number=attempt.number
    ).update(
        state=state,
        state_since=now,
        ended=now if state in {Match.State.DONE, Match.State.ABORTED} else None,
    )
    return bool(moved)


def _save_episode(
    match: Match, number: int, outcome: results.EpisodeOutcome, seats: list[MatchSeat]
) -> None:
    """Writes an episode with its files, and adds what it means to the match's seats."""
    episode = Episode.objects.create(
        match=match,
        number=number,
        steps=outcome.steps,
        seconds=outcome.seconds,
        is_overloaded=outcome.overloaded,
        level=outcome.level,
        limits=limits.fields_of(match.competition),
        cause=outcome.cause,
    )
    EpisodeSeat.objects.bulk_create(
        _episode_seat(episode, i, outcome, seat.submission) for i, seat in enumerate(seats)
    )
    for i, seat in enumerate(seats):
        _add_to_seat(seat, i, outcome)
    storage.save_episode_files(
        episode.pk, base64.b64decode(outcome.replay), base64.b64decode(outcome.logs)
    )


def _episode_seat(
    episode: Episode, number: int, outcome: results.EpisodeOutcome, submission: Submission
) -> EpisodeSeat:
    verdict = outcome.verdicts[number]
    return EpisodeSeat(
        episode=episode,
        number=number,
        submission=submission,
        status=outcome.statuses[number],
        reward=outcome.rewards[number],
        score=outcome.scores[number],
        verdict=verdict.code if verdict else "",
        verdict_reason=verdict.reason if verdict else "",
        verdict_message=verdict.message if verdict else "",
        verdict_detail=verdict.detail if verdict else "",
        bank_left_s=outcome.overage[number],
        slowest_move_s=outcome.slowest[number],
        cpu_s=outcome.cpu[number] if outcome.cpu else None,
        delay_s=outcome.delay[number] if outcome.delay else None,
        spent_s=outcome.spent[number] if outcome.spent else None,
    )


def _add_to_seat(seat: MatchSeat, number: int, outcome: results.EpisodeOutcome) -> None:
    """A match seat sums its episodes up: mean score, summed reward, the first fault."""
    share = outcome.scores[number] / len(outbox.seatings(seat.match, len(outcome.statuses)))
    seat.score = (seat.score or 0.0) + share
    seat.reward = (seat.reward or 0.0) + (outcome.rewards[number] or 0.0)
    if not seat.verdict:
        verdict = outcome.verdicts[number]
        seat.status = outcome.statuses[number]
        if verdict:
            seat.judge(verdict.code, verdict.reason, verdict.message)


# Faults of ours


def put_back(attempt: Attempt, reason: str) -> bool:
    """The worker could not take it: it waits for another one, without counting as a fault."""
    moved = _close(attempt, Attempt.State.FAILED, Match.State.QUEUED, reason=reason)
    waiting = Match.objects.filter(pk=attempt.match_id, state=Match.State.QUEUED)
    waiting.update(reason=f"Waits: {reason}"[:300], not_before=_after(attempt.number))
    if attempt.number >= MAX_INTERRUPTIONS:
        message = f"{attempt.match} was put back {attempt.number} times: {reason}"
        alerts.raise_alert("match_put_back", message, attempt.match.competition.slug)
    return moved


def refuse(raw: Any, reason: str) -> bool:
    """A result that is none: its attempt has failed, if it can be told which one it is."""
    sender = results.sender_of(raw)
    with transaction.atomic():
        attempt = _current_attempt(sender.attempt, sender.token) if sender else None
        if attempt is None:
            return False
        return fail(attempt, Attempt.State.FAILED, f"The worker's result is malformed: {reason}")


def fail(attempt: Attempt, state: Attempt.State, reason: str) -> bool:
    """An attempt broke through no fault of an agent: it is tried again, and given up in the end.

    A worker that vanished is no fault of the match, so such attempts are many before it is.
    """
    with transaction.atomic():
        if not _close(attempt, state, Match.State.QUEUED, reason=reason[:300]):
            return False
        interruptions = attempt.match.attempts.filter(state=Attempt.State.LOST).count()
        is_fault = state == Attempt.State.FAILED
        Match.objects.filter(pk=attempt.match_id).update(
            faults=F("faults") + int(is_fault), not_before=_after(attempt.number)
        )
        attempt.match.refresh_from_db()
        faults = attempt.match.faults
        if faults >= settings.MAX_PLATFORM_FAULTS or interruptions >= MAX_INTERRUPTIONS:
            abort(attempt.match, reason)
        elif interruptions == 1 and not is_fault:
            outbox.dispatch(attempt.match_id)
    return True


def _after(attempts: int) -> datetime:
    """When to try again: what broke needs a moment to mend, and all at once would break it anew."""
    longest = min(BACK_OFF * 2.0 ** min(attempts - 1, 20), LONGEST_BACK_OFF)
    return timezone.now() + longest * random.uniform(0.5, 1.0)


def abort(match: Match, reason: str) -> bool:
    """Gives a match up. It is never scored, and a validation is tried again later."""
    now = timezone.now()
    moved = Match.objects.filter(pk=match.pk, state=Match.State.QUEUED).update(
        state=Match.State.ABORTED, state_since=now, ended=now, reason=f"Our fault: {reason}"[:300]
    )
    if moved:
        message = f"{match} of {match.competition} was given up: {reason}"
        alerts.raise_alert("match_given_up", message, match.competition.slug)
        if match.candidate:
            submissions.postpone(match.candidate, "Our fault: we try again by ourselves.")
    return bool(moved)


# What an organiser does


def run_again(match: Match, actor: Any, reason: str) -> Match:
    """Plays the same match once more as a new one; the old one stays and keeps its result."""
    if match.purpose != Match.Purpose.RATED:
        raise Conflict("Only a rated match can be run again: a validation is not.", "wrong_state")
    if match.state not in {Match.State.DONE, Match.State.ABORTED}:
        raise Conflict("This match has not ended: wait for it, then run it again.", "wrong_state")
    with transaction.atomic():
        Ladder.objects.locked(match.competition_id)
        again = outbox.schedule(
            match.competition,
            Match.Purpose.RATED,
            [seat.submission for seat in match.seats.select_related("submission")],
            key=match.key,
            repeats=match,
        )
        AuditEntry.log(actor, "run again", match, reason)
        outbox.fill()
    return again


@transaction.atomic
def cancel(match: Match, actor: Any, reason: str) -> None:
    """Takes a rated match off that no worker has begun to play."""
    now = timezone.now()
    waiting = Match.objects.rated().filter(pk=match.pk, state=Match.State.QUEUED)
    if not waiting.update(
        state=Match.State.ABORTED, state_since=now, ended=now, reason=f"Cancelled: {reason}"[:300]
    ):
        raise Conflict("Only a rated match that still waits can be cancelled.", "wrong_state")
    AuditEntry.log(actor, "cancel", match, reason)


def void(match: Match, actor: Any, reason: str) -> None:
    """Takes a match out of the rating; its replays stay."""
    with transaction.atomic():
        changed = Match.objects.filter(pk=match.pk, is_rated=True, is_void=False)
        if not changed.update(is_void=True):
            raise Conflict("Only a rated match that counts can be made void.", "wrong_state")
        AuditEntry.log(actor, "void", match, reason)
        ledger.ask_for_rebuild(match.competition_id)

"""Matches: scheduled, sent to a worker, recorded once, sent again when something of ours broke.

The row is the outbox. Nothing depends on a message arriving: `league.sweeper` finds what stands.
"""

import base64
import logging
import secrets
from collections.abc import Sequence
from typing import Any

from celery.canvas import Signature
from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from evaluation.broker import QUEUES
from league import limits, live, ratings, results, storage, submissions
from league.errors import Conflict
from league.models import (
    Attempt,
    AuditEntry,
    Competition,
    Episode,
    EpisodeSeat,
    Ladder,
    Match,
    MatchSeat,
    Submission,
)
from league.queue import later, send

logger = logging.getLogger(__name__)

VALIDATION_QUEUE, RATED_QUEUE = QUEUES
NO_BOX = "Waits: no worker can box strangers' agents at the moment."
PAUSED = "Waits: the competition is paused."
MAX_SEED = 2**31 - 1


def schedule(
    competition: Competition,
    purpose: Match.Purpose,
    seats: Sequence[Submission],
    *,
    key: int | None = None,
    candidate: Submission | None = None,
    repeats: Match | None = None,
) -> Match:
    """Writes a match down and sends it to a worker after the commit."""
    now = timezone.now()
    with transaction.atomic():
        match = Match.objects.create(
            competition=competition,
            purpose=purpose,
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
        dispatch(match.pk)
    return match


def dispatch(match_id: int) -> bool:
    """Sends a waiting match to a worker as a new attempt; False if it has to go on waiting."""
    with transaction.atomic():
        match = Match.objects.select_related("competition", "candidate").get(pk=match_id)
        seats = list(match.seats.select_related("submission__team"))
        reason = _why_waiting(match, seats)
        if reason:
            Match.objects.filter(pk=match_id, state=Match.State.QUEUED).update(reason=reason)
            return False
        now = timezone.now()
        claimed = Match.objects.filter(pk=match_id, state=Match.State.QUEUED).update(
            state=Match.State.DISPATCHED,
            state_since=now,
            attempt_number=F("attempt_number") + 1,
            reason="",
        )
        if not claimed:
            return False
        match.refresh_from_db(fields=["attempt_number"])
        attempt = Attempt.objects.create(
            match=match, number=match.attempt_number, token=secrets.token_urlsafe(24), sent=now
        )
        publish(match, attempt, seats)
    return True


def _why_waiting(match: Match, seats: list[MatchSeat]) -> str:
    if match.competition.is_paused:
        return PAUSED
    needs_box = any(seat.submission.needs_box for seat in seats)
    blocked_by = live.blocked_by() if needs_box else ""
    return _no_box(blocked_by) if blocked_by else ""


def _no_box(reason: str) -> str:
    return f"{NO_BOX} {reason}"[:300]


def publish(match: Match, attempt: Attempt, seats: list[MatchSeat]) -> None:
    """Sends the message of an attempt; sending it again is harmless, a worker claims it once."""
    queue = RATED_QUEUE if match.purpose == Match.Purpose.RATED else VALIDATION_QUEUE
    link = Signature("league.record_result", options={"queue": "league"})
    send("evaluation.play_match", [_spec(match, attempt, seats)], queue=queue, link=link)


def _spec(match: Match, attempt: Attempt, seats: list[MatchSeat]) -> dict[str, Any]:
    agents = [_agent(seat.submission, match.competition) for seat in seats]
    return {
        "attempt": attempt.pk,
        "token": attempt.token,
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


def _agent(submission: Submission, competition: Competition) -> dict[str, Any]:
    allowed = limits.fields_of(competition)
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
        if outcome.no_box:
            return put_back(attempt, outcome.no_box)
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
    if outcome.rejected:
        known = match.seats.filter(submission__sha256=outcome.rejected.sha256).exists()
        return "" if known else "The worker rejected an upload that does not play here."
    count = match.seats.count()
    if len(outcome.episodes) != len(seatings(match, count)):
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
        _record_rejection(match, seats, outcome.rejected)
        return True
    for number, (episode, seating) in enumerate(
        zip(outcome.episodes, seatings(match, len(seats)), strict=True)
    ):
        _save_episode(match, number, episode, [seats[i] for i in seating])
    if match.purpose == Match.Purpose.RATED:
        ratings.count(match, seats, ladder)
        later("league.pair", match.competition_id)
    _save_seats(seats)
    if match.purpose != Match.Purpose.RATED:
        _continue_validation(match, seats)
    return True


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
    )


def _add_to_seat(seat: MatchSeat, number: int, outcome: results.EpisodeOutcome) -> None:
    """A match seat sums its episodes up: mean score, summed reward, the first fault."""
    share = outcome.scores[number] / len(seatings(seat.match, len(outcome.statuses)))
    seat.score = (seat.score or 0.0) + share
    seat.reward = (seat.reward or 0.0) + (outcome.rewards[number] or 0.0)
    if not seat.verdict:
        verdict = outcome.verdicts[number]
        seat.status = outcome.statuses[number]
        if verdict:
            _judge(seat, verdict)


def _judge(seat: MatchSeat, verdict: results.VerdictData) -> None:
    seat.verdict, seat.verdict_reason = verdict.code, verdict.reason
    seat.verdict_message = verdict.message


def _save_seats(seats: list[MatchSeat]) -> None:
    for seat in seats:
        seat.save(
            update_fields=[
                "status",
                "verdict",
                "verdict_reason",
                "verdict_message",
                "score",
                "reward",
                "rating_change",
            ]
        )


# Validation


def begin_validation(submission_id: int) -> bool:
    """The first step for a new submission: a game against itself."""
    with transaction.atomic():
        submission = submissions.begin_validation(submission_id)
        if submission is None:
            return False
        seats = [submission] * submission.competition.seats
        schedule(submission.competition, Match.Purpose.SELF_PLAY, seats, candidate=submission)
    return True


def _record_rejection(match: Match, seats: list[MatchSeat], rejected: results.Rejected) -> None:
    verdict = rejected.verdict
    for seat in seats:
        if seat.submission.sha256 == rejected.sha256:
            seat.status = "ERROR"
            _judge(seat, verdict)
    _save_seats(seats)
    if match.candidate:
        submissions.reject(match.candidate, verdict)


def _continue_validation(match: Match, seats: list[MatchSeat]) -> None:
    candidate = match.candidate
    assert candidate is not None
    if candidate.status != Submission.Status.VALIDATING:
        return  # disqualified meanwhile
    fault = _candidate_fault(match, candidate)
    if fault:
        submissions.reject(candidate, fault)
        return
    waited = (timezone.now() - match.created).total_seconds()
    submissions.mark_stage(candidate.pk, str(match.purpose), waited)
    if match.purpose == Match.Purpose.SELF_PLAY:
        _schedule_house_game(match.competition, candidate, len(seats))
    else:
        submissions.activate(candidate)


def _candidate_fault(match: Match, candidate: Submission) -> results.VerdictData | None:
    seat = (
        EpisodeSeat.objects.filter(episode__match=match, submission=candidate)
        .exclude(verdict="")
        .order_by("episode__number", "number")
        .first()
    )
    if seat is None:
        return None
    return results.VerdictData(
        code=seat.verdict,
        message=seat.verdict_message,
        detail=seat.verdict_detail,
        reason=seat.verdict_reason,
    )


def _schedule_house_game(competition: Competition, candidate: Submission, count: int) -> None:
    """One game in each seat against a house bot: the anchor, a middling one."""
    bot = competition.anchor or competition.submissions.filter(kind=Submission.Kind.HOUSE).first()
    if bot is None:
        submissions.activate(candidate)
        return
    seats = [candidate] + [bot] * (count - 1)
    schedule(competition, Match.Purpose.HOUSE_BOTS, seats, candidate=candidate)


# Faults of ours


def put_back(attempt: Attempt, reason: str) -> bool:
    """The worker could not take it: it waits for another one, without counting as a fault."""
    moved = _close(attempt, Attempt.State.FAILED, Match.State.QUEUED, reason=reason)
    waiting = Match.objects.filter(pk=attempt.match_id, state=Match.State.QUEUED)
    waiting.update(reason=_no_box(reason))
    return moved


def fail(attempt: Attempt, state: Attempt.State, reason: str) -> bool:
    """An attempt broke through no fault of an agent: try again, and give up after the third."""
    with transaction.atomic():
        if not _close(attempt, state, Match.State.QUEUED, reason=reason[:300]):
            return False
        Match.objects.filter(pk=attempt.match_id).update(faults=F("faults") + 1)
        attempt.match.refresh_from_db()
        if attempt.match.faults >= settings.MAX_PLATFORM_FAULTS:
            abort(attempt.match, reason)
        elif state == Attempt.State.LOST:
            dispatch(attempt.match_id)
        # Else the sweeper sends it again some seconds later: what broke needs a moment to mend.
    return True


def abort(match: Match, reason: str) -> bool:
    """Gives a match up. It is never scored, and a validation is tried again later."""
    now = timezone.now()
    moved = Match.objects.filter(pk=match.pk, state=Match.State.QUEUED).update(
        state=Match.State.ABORTED, state_since=now, ended=now, reason=f"Our fault: {reason}"[:300]
    )
    if moved:
        logger.error("match %s was given up: %s", match.pk, reason)
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
        again = schedule(
            match.competition,
            Match.Purpose.RATED,
            [seat.submission for seat in match.seats.select_related("submission")],
            key=match.key,
            repeats=match,
        )
        AuditEntry.log(actor, "run again", match, reason)
    return again


def void(match: Match, actor: Any, reason: str) -> None:
    """Takes a match out of the rating; its replays stay."""
    with transaction.atomic():
        changed = Match.objects.filter(pk=match.pk, is_rated=True, is_void=False)
        if not changed.update(is_void=True):
            raise Conflict("Only a rated match that counts can be made void.", "wrong_state")
        AuditEntry.log(actor, "void", match, reason)
        ratings.ask_for_rebuild(match.competition_id)

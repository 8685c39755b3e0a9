"""Validation: a new submission plays itself, then each seat against a house bot."""

from django.db import transaction
from django.utils import timezone

from league import outbox, submissions
from league.models import Competition, EpisodeSeat, Match, MatchSeat, Submission
from league.results import Rejected, VerdictData


def begin(submission_id: int) -> bool:
    """The first step for a new submission: a game against itself."""
    with transaction.atomic():
        submission = submissions.begin_validation(submission_id)
        if submission is None:
            return False
        seats = [submission] * submission.competition.seats
        outbox.schedule(
            submission.competition, Match.Purpose.SELF_PLAY, seats, candidate=submission
        )
        outbox.fill()
    return True


def reject_upload(match: Match, seats: list[MatchSeat], rejected: Rejected) -> None:
    """An upload could not even be unpacked."""
    verdict = rejected.verdict
    for seat in seats:
        if seat.submission.sha256 == rejected.sha256:
            seat.status = "ERROR"
            seat.judge(verdict.code, verdict.reason, verdict.message)
    if match.candidate:
        submissions.reject(match.candidate, verdict)


def go_on(match: Match, seats: list[MatchSeat]) -> None:
    """What follows from a validation match that was played."""
    candidate = match.candidate
    assert candidate is not None
    if candidate.status != Submission.Status.VALIDATING:
        return  # disqualified meanwhile
    fault = _fault_of(match, candidate)
    if fault:
        submissions.reject(candidate, fault)
        return
    waited = (timezone.now() - match.created).total_seconds()
    submissions.mark_stage(candidate.pk, str(match.purpose), waited)
    if match.purpose == Match.Purpose.SELF_PLAY:
        _schedule_house_game(match.competition, candidate, len(seats))
    else:
        submissions.activate(candidate)


def _fault_of(match: Match, candidate: Submission) -> VerdictData | None:
    seat = (
        EpisodeSeat.objects.filter(episode__match=match, submission=candidate)
        .exclude(verdict="")
        .order_by("episode__number", "number")
        .first()
    )
    if seat is None:
        return None
    return VerdictData(
        code=seat.verdict,
        message=seat.verdict_message,
        detail=seat.verdict_detail,
        reason=seat.verdict_reason,
    )


def _schedule_house_game(competition: Competition, candidate: Submission, count: int) -> None:
    """One game in each seat against a house bot: the anchor, a middling one."""
    bots = competition.submissions.filter(
        kind=Submission.Kind.HOUSE, status=Submission.Status.ACTIVE
    )
    anchor = competition.anchor
    bot = (anchor and bots.filter(pk=anchor.pk).first()) or bots.first()
    if bot is None:
        submissions.activate(candidate)
        return
    seats = [candidate] + [bot] * (count - 1)
    outbox.schedule(competition, Match.Purpose.HOUSE_BOTS, seats, candidate=candidate)

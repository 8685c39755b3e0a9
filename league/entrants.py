"""Who stands on a ladder: entering it after validation, leaving it."""

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from league.models import Entrant, Ladder, Rating, Stage, Submission

SYSTEM_ACTIVE_LIMIT = 10  # active submissions of a team of the site itself


@transaction.atomic
def enter(submission: Submission) -> Entrant:
    """Puts an active submission on the ladder; its team's oldest one over the limit leaves."""
    Ladder.objects.locked(submission.competition_id)  # a team's submissions enter one by one
    submission.refresh_from_db(fields=["team"])  # it may have been merged into another one
    entrant, is_new = Entrant.objects.get_or_create(
        submission=submission, competition=submission.competition
    )
    if is_new:
        Rating.objects.create(entrant=entrant)
    displace_older(submission)
    _touch_ladder(submission)
    return entrant


@transaction.atomic
def restore(submission: Submission, *, is_playing: bool) -> None:
    """Undoes a disqualification: what it played counts again, and it plays if it did before."""
    Ladder.objects.locked(submission.competition_id)
    left = None if is_playing else timezone.now()
    Entrant.objects.filter(submission=submission).update(left=left, is_disqualified=False)
    displace_older(submission)
    _touch_ladder(submission)


def displace_older(submission: Submission) -> None:
    """The newest N active submissions of a team play; the others retire."""
    if submission.team.is_house or Ladder.objects.stage_of(submission.competition_id) != Stage.OPEN:
        return
    active = Submission.objects.filter(
        team=submission.team,
        competition=submission.competition,
        status=Submission.Status.ACTIVE,
    ).order_by("-created", "-pk")
    for old in active[_active_limit(submission) :]:
        retired = Submission.objects.filter(pk=old.pk, status=Submission.Status.ACTIVE).update(
            status=Submission.Status.RETIRED, status_since=timezone.now()
        )
        if retired:
            leave(old)


def _active_limit(submission: Submission) -> int:
    if submission.team.is_system:
        return SYSTEM_ACTIVE_LIMIT
    return submission.competition.active_limit


def leave(submission: Submission, *, disqualified: bool = False) -> None:
    """Takes a submission off the ladder; what it played stays, unless it was disqualified."""
    Entrant.objects.filter(submission=submission).update(
        left=timezone.now(), is_disqualified=disqualified
    )
    _touch_ladder(submission)


def _touch_ladder(submission: Submission) -> None:
    Ladder.objects.filter(competition_id=submission.competition_id).update(
        revision=F("revision") + 1
    )

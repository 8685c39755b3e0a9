"""The final evaluation: at the lock the field is frozen, and the ladder begins anew from its games.

Between the deadline and the lock what was under way is finished: validations of what arrived in
time, and the rated matches that workers play.
"""

import hashlib
from datetime import timedelta

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from league import alerts, ratings
from league.errors import Conflict
from league.models import (
    AuditEntry,
    Competition,
    Entrant,
    Ladder,
    Match,
    PairCount,
    Phase,
    Rating,
    Stage,
    Submission,
)
from league.queue import later

ON_THEIR_WAY = timedelta(minutes=1)  # uploads that began before the deadline
WORRYING = timedelta(hours=1)
BEGUN = "The final evaluation has begun."
EMPTY = Rating()  # as a newcomer's


def due() -> QuerySet[Competition]:
    """Those in their final phase whose field is not locked."""
    now = timezone.now()
    passed = Competition.objects.filter(deadline__lte=now).exclude(closes_at__lte=now)
    return passed.exclude(ladder__stage=Stage.FINAL)


def is_locked(competition: Competition) -> bool:
    return Ladder.objects.stage_of(competition.pk) == Stage.FINAL


def waits_for(competition: Competition) -> str:
    """What has to end before the field can be locked; empty if nothing has to."""
    if competition.deadline and timezone.now() < competition.deadline + ON_THEIR_WAY:
        return "uploads that began in time"
    late = Submission.objects.undecided().filter(competition=competition).count()
    playing = Match.objects.rated().filter(competition=competition, state=Match.State.DISPATCHED)
    counts = ((late, "validation", "validations"), (playing.count(), "match", "matches"))
    return " and ".join(f"{n} {one if n == 1 else many}" for n, one, many in counts if n)


def lock(competition: Competition) -> bool:
    """Freezes the field, once the deadline has passed and nothing of before is under way."""
    with transaction.atomic():
        ladder = Ladder.objects.locked(competition.pk)
        if ladder.stage == Stage.FINAL or competition.phase != Phase.FINAL:
            return False
        _call_off(competition)
        if waiting := waits_for(competition):
            _warn(competition, waiting)
            return False
        if not ladder.is_fitted or ladder.is_rebuild_due:
            return False  # the last numbers of the open stage are still to come
        _freeze(ladder)
    alerts.close_alert("lock_waits", competition.slug)
    later("league.pair", competition.pk)
    return True


def _call_off(competition: Competition) -> None:
    """What no worker has begun is not wanted any more."""
    waiting = Match.objects.rated().filter(competition=competition, state=Match.State.QUEUED)
    now = timezone.now()
    waiting.update(state=Match.State.ABORTED, state_since=now, ended=now, reason=BEGUN)


def _warn(competition: Competition, waiting: str) -> None:
    if competition.deadline and timezone.now() - competition.deadline > WORRYING:
        late = Submission.objects.undecided().filter(competition=competition)[:5]
        names = ", ".join(map(str, late))
        message = f"The field of {competition} is still open: it waits for {waiting}. {names}"
        alerts.raise_alert("lock_waits", message.strip(), competition.slug)


def _freeze(ladder: Ladder) -> None:
    """The ladder of the open stage becomes the qualifying; the final's begins empty."""
    competition = ladder.competition
    field = Entrant.objects.playing().filter(competition=competition)
    digest, size = field_hash(competition), field.count()
    now = timezone.now()
    Rating.objects.filter(entrant__in=field).update(
        qualifying_elo=F("elo"), qualifying_rank=F("rank")
    )
    Rating.objects.filter(entrant__competition=competition).update(
        elo=EMPTY.elo,
        se=EMPTY.se,
        is_provisional=True,
        is_quick=False,
        rank=None,
        rank_low=None,
        rank_high=None,
        fitted_matches=0,
        spark=[],
        **dict.fromkeys(ratings.TALLIES, 0),
    )
    PairCount.objects.filter(competition=competition).delete()
    Ladder.objects.filter(pk=ladder.pk).update(
        stage=Stage.FINAL,
        locked_at=now,
        field_hash=digest,
        episodes=0,
        revision=F("revision") + 1,
    )
    ratings.forget_covariance(competition.pk)
    AuditEntry.log(None, "lock", competition, f"{size} entrants, field {digest}")


def field_hash(competition: Competition) -> str:
    """SHA-256 over the lines "submission SHA-256-of-its-content" of the field, in their order."""
    field = Entrant.objects.playing().filter(competition=competition).order_by("submission")
    rows = field.values_list("submission", "submission__sha256")
    lines = (f"{submission} {sha256}\n" for submission, sha256 in rows)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def require_open_field(competition: Competition) -> None:
    """Refuses what would change a field that is locked."""
    if is_locked(competition):
        raise Conflict("The field of this competition is locked: nothing was changed.", "locked")

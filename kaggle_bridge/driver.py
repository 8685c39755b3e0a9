"""Drives runs: takes the due ones, moves each on until it has to wait, and lives with troubles."""

import logging
import random
from datetime import datetime, timedelta

from django.core.cache import cache
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from kaggle_bridge import accounts, locks, notices, outputs, places, sessions
from kaggle_bridge.backend import (
    ENDED,
    BackendError,
    Missing,
    NoAccess,
    NoQuota,
    NotNow,
    Trouble,
)
from kaggle_bridge.backend import Backend as Place
from kaggle_bridge.inspecting.inspection import InspectionFault
from kaggle_bridge.models import (
    LONGEST_PAUSE,
    Backend,
    CheckpointState,
    RunState,
    Session,
    SessionState,
    TrainingRun,
)

logger = logging.getLogger(__name__)

OUR_FAULT = "Our fault: an error of the site, which its log has in full. It is tried again."
MOST_STEPS = 30  # of one advance
CLAIM = timedelta(seconds=10)  # for a message to arrive
FIRST_PAUSE_S, LONGEST_PAUSE_S = 5.0, 600.0
JITTER, LONGEST_JITTER_S = 0.2, 60.0  # of a pause; one of days ends when it was said to end
MOST_TROUBLES = 160  # in a row: about a day of the longest pauses
WORRYING = 5
UNSEEN = 3  # times in a row that something is not there, before it is believed
QUOTA_PAUSE_S = 1800.0
QUOTA_AGE_S = 600
ASKED = "training:quota-asked"  # lately, whether it was answered or not


def due() -> list[int]:
    """Runs that want to be moved on now, each claimed for the time that a message takes."""
    now = timezone.now()
    found = []
    for run in TrainingRun.objects.due(now)[:200]:
        rows = TrainingRun.objects.filter(pk=run.pk, due_at=run.due_at)
        if rows.update(due_at=now + CLAIM):
            found.append(run.pk)
    return found + _lingering()


def _lingering() -> list[int]:
    """Runs with a cancelled kernel that still runs where it can be stopped."""
    rows = _cancelled().filter(run__backend=Backend.LOCAL)
    return list(rows.values_list("run", flat=True).distinct()[:50])


def _cancelled() -> QuerySet[Session]:
    """Sessions nobody waits for any more, whose kernel was sent and has not been seen to end."""
    rows = Session.objects.filter(state=SessionState.CANCELLED, finished_at=None)
    return rows.filter(pushed_at__isnull=False)


def left_over() -> list[int]:
    """Runs that are over with checkpoints still on their way: something was in the way then."""
    over = TrainingRun.objects.exclude(ended=None).filter(checkpoints__state=CheckpointState.WANTED)
    return list(over.values_list("pk", flat=True).distinct()[:50])


def advance(run_id: int) -> bool:
    """Moves a run on as far as it goes; False where another process is at it."""
    with locks.held(run_id) as is_mine:
        if not is_mine:
            return False
        run = TrainingRun.objects.select_related("competition", "team").get(pk=run_id)
        place = places.place(run.backend)
        _stop(run, place)
        if run.state in TrainingRun.ACTIVE and run.ended is None:
            _move(run, place)
        elif run.competition_id:
            _enter_more(run)
        return True


def _enter_more(run: TrainingRun) -> None:
    """What was brought by hand after the end."""
    try:
        outputs.enter(run)
    except InspectionFault as error:
        logger.warning("%s: %s", run, error)


def _move(run: TrainingRun, place: Place) -> None:
    pause = _attempt(run, place)
    if run.waits_until is None:
        pause = min(pause, LONGEST_PAUSE.total_seconds() / 2)
    pause += random.uniform(0, min(JITTER * pause, LONGEST_JITTER_S))
    run.keep(due_at=timezone.now() + timedelta(seconds=pause))


def _attempt(run: TrainingRun, place: Place) -> float:
    """Steps until one wants to wait; seconds to wait."""
    since = run.state_since
    try:
        for _ in range(MOST_STEPS):
            since, troubles = run.state_since, run.troubles
            pause = sessions.step(run, place)
            if troubles and not run.troubles:
                notices.well_again(run)
            if pause > 0 or run.ended:
                return pause
        return sessions.GO_ON
    except sessions.Overtaken:
        run.refresh_from_db()
        return sessions.GO_ON
    except BackendError as error:
        problem = error
    except InspectionFault as error:
        problem = Trouble(f"Our fault: {error}")
    except Exception:
        logger.exception("%s: an error of ours", run)
        problem = Trouble(OUR_FAULT)
    if _has_changed(run, since):
        run.refresh_from_db()
        return sessions.GO_ON
    return _live_with(run, problem)


def _has_changed(run: TrainingRun, since: datetime) -> bool:
    """Whether somebody else has moved the run since we looked: then our answer is of old.

    since: of its state before the step, whose own move may have been rolled back.
    """
    ours = (since, run.state_since)
    return not TrainingRun.objects.filter(pk=run.pk, state_since__in=ours).exists()


# Troubles


def _live_with(run: TrainingRun, error: BackendError) -> float:
    """What is to be done about it: seconds until it is tried again."""
    match error:
        case NotNow():
            return max(error.retry_after_s, 1.0)
        case NoQuota():
            return _wait_for_quota(run, error)
        case Trouble():
            return _try_later(run, error)
        case Missing() if run.troubles < UNSEEN or run.note != error.message[:500]:
            return _try_later(run, Trouble(error.message))  # it may not be seen everywhere yet
    fail(run, _final(error))
    return sessions.GO_ON


def _final(error: BackendError) -> str:
    if isinstance(error, Missing):
        said = error.message.rstrip(".")
        return f"{said}. It was deleted there, or never was: trying again sends it anew."
    return error.message


def _wait_for_quota(run: TrainingRun, error: NoQuota) -> float:
    now = timezone.now()
    until = max(error.until or now, now) + timedelta(seconds=random.uniform(5, 60))
    if error.until is None:
        until = now + timedelta(seconds=QUOTA_PAUSE_S * random.uniform(0.8, 1.2))
    run.move(
        [RunState.PUSHING, RunState.WAITING], RunState.WAITING, note=error.message[:500],
        waits_until=until, troubles=0,
    )  # fmt: skip
    return (until - now).total_seconds()


def _try_later(run: TrainingRun, error: Trouble) -> float:
    troubles = run.troubles + 1
    if troubles > MOST_TROUBLES:
        fail(run, f"Given up after {MOST_TROUBLES} tries in a row: {error.message}")
        return sessions.GO_ON
    pause: float = min(FIRST_PAUSE_S * 2 ** min(run.troubles, 10), LONGEST_PAUSE_S)
    pause = max(pause * random.uniform(0.7, 1.0), min(error.retry_after_s, LONGEST_PAUSE_S))
    run.keep(troubles=troubles, note=error.message[:500])
    logger.warning("%s: %s (trouble %s, again in %.0f s)", run, error.message, troubles, pause)
    if isinstance(error, NoAccess):
        accounts.say(run.backend, error.message)
    if troubles >= (2 if isinstance(error, NoAccess) else WORRYING):
        notices.trouble(run, error.message)
    return pause


@transaction.atomic
def fail(run: TrainingRun, reason: str) -> None:
    """The end of a run, with the sentence that its page shows."""
    now = timezone.now()
    if run.move(
        TrainingRun.ACTIVE,
        RunState.FAILED,
        error=reason[:500],
        note="",
        waits_until=None,
        ended=now,
    ):
        for session in run.sessions.filter(state__in=Session.OPEN):
            session.move(Session.OPEN, SessionState.FAILED, ended=now, reason=reason[:500])
        notices.failed(run)


# Cancelled runs


def _stop(run: TrainingRun, place: Place) -> None:
    """Asks each to end, where that can be done, and notes when it has."""
    for session in _cancelled().filter(run=run):
        session.run = run
        try:
            _stop_session(session, place)
        except Missing:
            session.keep(finished_at=timezone.now())
        except BackendError as error:
            logger.warning("%s: %s", session, error.message)
        except Exception:  # the run itself must go on
            logger.exception("%s: could not be stopped", session)


def _stop_session(session: Session, place: Place) -> None:
    if session.kernel_version is None and not sessions.find_sent(session, place):
        if sessions.is_settled(session, place):
            session.keep(finished_at=timezone.now())  # it never came to be
        return
    ref, version = session.run.kernel_ref, session.kernel_version or 0
    if place.stop(ref, version) and place.status(ref, version).stage in ENDED:
        session.keep(finished_at=timezone.now())


# The account


def look() -> None:
    """What the pages tell of the accounts, without asking anybody; the quota now and then."""
    for name in Backend.values:
        accounts.look(places.place(name))
    kaggle = accounts.account(Backend.KAGGLE)
    training = TrainingRun.objects.filter(state__in=TrainingRun.TRAINING, backend=Backend.KAGGLE)
    if kaggle.has_credentials and training.exists() and cache.add(ASKED, 1, QUOTA_AGE_S):
        try:
            accounts.quota(places.place(Backend.KAGGLE))
        except BackendError as error:
            logger.info("the quota was not told: %s", error.message)

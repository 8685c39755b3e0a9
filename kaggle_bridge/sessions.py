"""The state machine of a run: each step reads the rows, makes a call or two, writes the rows.

A process may die between any two statements: what was begun is in the rows before it is begun, and
whoever looks next finds out what came of it. All moves are guarded: cancelling wins at any time.
"""

import random
import time
from collections.abc import Callable
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from kaggle_bridge import accounts, endings, entrants, notices, orders, outputs, runs
from kaggle_bridge.backend import ENDED, Missing, NoAccess, Pushed, Stage, Status, Trouble, Unsure
from kaggle_bridge.backend import Backend as Place
from kaggle_bridge.models import RunState, Session, SessionState, TrainingRun

GO_ON = 0.0  # seconds until the next step
SOON_S, EARLY_S = 5.0, 60.0
SETTLE_S = 20.0  # a push or upload whose answer was lost shows within this time
DATASET_LIMIT = timedelta(minutes=30)
OVERDUE = timedelta(hours=12)
EASE = 5.0  # a look that takes long, at a long log, is taken less often
BETWEEN_POLLS = 2  # an ended session counts as one for a while


class Overtaken(Exception):
    """Somebody else, as a rule who cancelled, has moved the run."""


def step(run: TrainingRun, place: Place) -> float:
    """Moves the run on by one step; seconds until the next. Raises BackendError, Overtaken."""
    return STEPS[RunState(run.state)](run, place)


def open_session(run: TrainingRun) -> Session:
    session = run.sessions.filter(state__in=Session.OPEN).select_related("resume").first()
    if session is None:
        raise Overtaken
    session.run = run
    return session


def _move_run(run: TrainingRun, old: RunState, new: RunState, **fields: object) -> None:
    if not run.move(old, new, **fields):
        raise Overtaken


# WAITING


def _wake(run: TrainingRun, place: Place) -> float:
    if run.waits_until and run.waits_until > timezone.now():
        return (run.waits_until - timezone.now()).total_seconds()
    with transaction.atomic():
        _move_run(run, RunState.WAITING, RunState.PUSHING, waits_until=None, note="")
        if not run.sessions.filter(state__in=Session.OPEN).exists():
            runs.add_session(run)
    return GO_ON


# PUSHING


def _push(run: TrainingRun, place: Place) -> float:
    """The parts of a push, the first that is not done."""
    session = open_session(run)
    if session.kernel_version:
        return _is_sent(session)
    for part in (_await_earlier, _name, _look_for, _attach):
        pause = part(session, place)
        if pause is not None:
            return pause
    return _send(session, place)


def _await_earlier(session: Session, place: Place) -> float | None:
    """One version of a kernel at a time, whatever the service would allow."""
    earlier = session.run.sessions.filter(
        number__lt=session.number, pushed_at__isnull=False, finished_at=None
    ).first()
    if earlier is None:
        return None
    earlier.run = session.run
    if _has_ended(earlier, place):
        earlier.keep(finished_at=timezone.now())
        return GO_ON
    session.run.keep(
        note=f"Session {earlier.number} still runs there: the next one waits for its end."
    )
    return place.poll_s


def _has_ended(session: Session, place: Place) -> bool:
    if session.kernel_version is None and not find_sent(session, place):
        return is_settled(session, place)
    try:
        status = place.status(session.run.kernel_ref, session.kernel_version or 0)
    except Missing:  # what is not there does not run
        return True
    return status.stage in ENDED


def _name(session: Session, place: Place) -> float | None:
    run = session.run
    if run.kernel_ref:
        return None
    facts = place.facts()
    if facts.problem:
        raise NoAccess(facts.problem)
    owner, slug = facts.owner or place.whoami(), orders.slug_of(run)
    run.keep(kernel_ref=f"{owner}/{slug}", dataset_ref=f"{owner}/{slug}-resume")
    return None


def _look_for(session: Session, place: Place) -> float | None:
    """A push that began and whose answer nobody has."""
    if session.pushed_at is None:
        return None
    if find_sent(session, place):
        return _is_sent(session)
    if not is_settled(session, place):
        return place.poll_s
    session.keep(pushed_at=None)
    return None


def is_settled(session: Session, place: Place) -> bool:
    """Whether a push that is not to be seen by now did not happen."""
    if session.pushed_at is None:
        return True
    waited = (timezone.now() - session.pushed_at).total_seconds()
    return not 0 <= waited < _settle_s(place)


def find_sent(session: Session, place: Place) -> bool:
    """Whether the kernel of a push without an answer is there; then its version is known."""
    found = place.find(session.run.kernel_ref, session.token)
    if found:
        _note(session, found)
    return found is not None


def _settle_s(place: Place) -> float:
    return min(SETTLE_S, 4 * place.poll_s)


def _attach(session: Session, place: Place) -> float | None:
    """The checkpoint to go on from, as the next version of the run's dataset, and ready there."""
    if session.resume is None or session.dataset_version:
        return None
    if session.dataset_before is not None and session.dataset_sent_at is None:
        return _upload(session, place)  # asked, and nothing sent since
    found = place.dataset(session.run.dataset_ref)
    number = found.version if found else 0
    if session.dataset_before is None:
        session.keep(dataset_before=number)
    if number > (session.dataset_before or 0) and found and not found.has_failed:
        if not found.is_ready:
            return _await_dataset(session, place, found.word)
        session.keep(dataset_version=number)
        return GO_ON
    if found and found.has_failed and number > (session.dataset_before or 0):
        session.keep(dataset_before=number, dataset_sent_at=None)
        raise Trouble("The dataset with the checkpoint could not be made there: it is sent again.")
    return _upload(session, place)


def _await_dataset(session: Session, place: Place, word: str) -> float:
    since = session.dataset_sent_at or session.state_since
    if timezone.now() - since > DATASET_LIMIT:
        session.keep(dataset_before=None, dataset_sent_at=None)
        raise Trouble(
            f"The dataset with the checkpoint did not get ready ({word}): it is sent again."
        )
    session.run.keep(note=f"The dataset with the checkpoint is being made ready there ({word}).")
    return place.poll_s


def _upload(session: Session, place: Place) -> float:
    if session.dataset_sent_at:  # it was sent, and is not to be seen yet
        waited = (timezone.now() - session.dataset_sent_at).total_seconds()
        if 0 <= waited < _settle_s(place):
            return place.poll_s
    assert session.resume is not None
    run, resume, is_new = session.run, session.resume, session.dataset_before == 0
    with orders.dataset_folder(run, resume) as folder:
        title = orders.title_of(run.dataset_ref)
        session.keep(dataset_sent_at=timezone.now())
        try:
            place.upload(run.dataset_ref, title, folder, f"step {resume.step}", is_new)
        except Unsure:
            raise
        except Exception:  # it certainly was not taken
            session.keep(dataset_sent_at=None)
            raise
    return min(place.poll_s, 5.0)


def _send(session: Session, place: Place) -> float:
    run = session.run
    timeout_s = accounts.time_for(run, place)
    parcel = orders.job_of(run, session, timeout_s)
    session.keep(
        pushed_at=timezone.now(),
        kernel_sha256=parcel.kernel_sha256,
        source_hash=parcel.source_hash,
    )
    try:
        pushed = place.push(parcel.job)
    except Unsure:
        raise
    except Exception:  # it certainly was not taken
        session.keep(pushed_at=None)
        raise
    return _record(session, pushed)


def _record(session: Session, pushed: Pushed) -> float:
    _note(session, pushed)
    return _is_sent(session)


def _note(session: Session, pushed: Pushed) -> None:
    """First of all the version: it runs there, whatever has become of the run meanwhile."""
    session.keep(kernel_version=pushed.version, kernel_url=pushed.url[:300])
    session.run.keep(kernel_ref=pushed.ref)


def _is_sent(session: Session) -> float:
    with transaction.atomic():
        if not session.move(SessionState.PUSHING, SessionState.QUEUED):
            raise Overtaken
        _move_run(session.run, RunState.PUSHING, RunState.QUEUED, note="", troubles=0)
    return GO_ON


# QUEUED and RUNNING


def _watch(run: TrainingRun, place: Place) -> float:
    session = open_session(run)
    if session.finished_at:
        return _conclude(session, place)
    status = place.status(run.kernel_ref, session.kernel_version or 0)
    accounts.say(run.backend, "")
    if status.stage in ENDED or _is_overdue(session, status, place):
        reason = status.message if status.stage in ENDED else f"still {status.stage}, long overdue"
        session.keep(finished_at=timezone.now(), reason=reason[:500])
        return GO_ON
    began = time.monotonic()
    if status.stage == Stage.RUNNING:
        _is_running(session)
        outputs.follow(session, place)
    run.keep(note=_note_of(status), troubles=0)
    return max(place.poll_s, EASE * (time.monotonic() - began))


def _is_overdue(session: Session, status: Status, place: Place) -> bool:
    """No service lets a session run so long, or wait; what it says of it is not believed.

    On this machine one runs after the other: the last of many waits for all of them.
    """
    if place.is_live and status.stage == Stage.QUEUED:
        return False
    limit = timedelta(seconds=session.run.session_s) + OVERDUE
    return timezone.now() - session.state_since > limit


def _note_of(status: Status) -> str:
    if status.stage != Stage.UNKNOWN:
        return status.message[:500] if status.stage == Stage.QUEUED else ""
    return (
        f"The session is said to be {status.message!r:.60}, a word that this version does not "
        "know; it is looked at again."
    )


def _is_running(session: Session) -> None:
    run, now = session.run, timezone.now()
    with transaction.atomic():
        if session.state == SessionState.QUEUED and not session.move(
            SessionState.QUEUED, SessionState.RUNNING, started=session.started or now
        ):
            raise Overtaken
        if run.state == RunState.QUEUED:
            _move_run(run, RunState.QUEUED, RunState.RUNNING)


def _conclude(session: Session, place: Place) -> float:
    """Its output is taken, then it is told how it ended."""
    found = outputs.conclude(session, place)
    ending = endings.of(session, found)
    with transaction.atomic():
        if not session.move(
            Session.OPEN,
            ending.session,
            ended=timezone.now(),
            started=session.started or session.finished_at,
            reason=ending.reason[:500],
            result=found.result,
        ):
            raise Overtaken
        _end_run(session, ending, place)
    return GO_ON


def _end_run(session: Session, ending: endings.Ending, place: Place) -> None:
    run, state = session.run, RunState(session.run.state)
    run.keep(step=max(run.step, session.step))
    match ending.run:
        case RunState.COMPLETE:
            _move_run(run, state, RunState.COMPLETE, note="", troubles=0)
        case RunState.FAILED:
            _move_run(
                run, state, RunState.FAILED, note="", error=ending.error[:500], ended=timezone.now()
            )
            notices.failed(run)
        case _:
            pause = BETWEEN_POLLS * place.poll_s * random.uniform(1.0, 1.5)
            _move_run(
                run,
                state,
                RunState.WAITING,
                note=ending.reason[:500],
                troubles=0,
                waits_until=timezone.now() + timedelta(seconds=pause),
            )


# COMPLETE


def _enter(run: TrainingRun, place: Place) -> float:
    outputs.enter(run)
    if outputs.is_early(run):
        run.keep(note=f"Its checkpoints enter {run.competition} when that opens.")
        return EARLY_S
    if entrants.has_more(run):
        return SOON_S
    if run.competition_id is None or not run.checkpoints.filter(submission__isnull=False).exists():
        run.keep(ended=timezone.now())
    else:
        _move_run(run, RunState.COMPLETE, RunState.IMPORTED, ended=timezone.now())
    return GO_ON


STEPS: dict[RunState, Callable[[TrainingRun, Place], float]] = {
    RunState.WAITING: _wake,
    RunState.PUSHING: _push,
    RunState.QUEUED: _watch,
    RunState.RUNNING: _watch,
    RunState.COMPLETE: _enter,
}

"""How a session ended, and what that means for its run: one rule for each case."""

from dataclasses import dataclass
from typing import Any

from kaggle_bridge.inspecting.inspection import Found
from kaggle_bridge.models import RunState, Session, SessionState

NEARLY = 0.8  # of a session's time: when it began is known to a poll's length only
BARREN = 2  # sessions in a row without a new checkpoint
SECOND = "It is the second session in a row without a new checkpoint."
TOO_SHORT = (
    "It is the second session in a row without a new checkpoint: longer sessions or a smaller "
    "save_interval may help."
)


@dataclass(frozen=True)
class Ending:
    """run: COMPLETE, FAILED, or WAITING for the next session. error: for FAILED."""

    session: SessionState
    run: RunState
    reason: str
    error: str = ""


def of(session: Session, found: Found) -> Ending:
    """session.result: what the service said before; found: what the kernel has left."""
    run, state = session.run, str(found.result.get("state", ""))
    if run.checkpoints.filter(step__gte=run.total_steps).exists():
        return Ending(SessionState.COMPLETE, RunState.COMPLETE, "All steps are done.")
    if state in ("failed", "refused"):
        return _failed(found.result)
    if state == "complete":
        return _incomplete(session, found)
    if state == "stopped":
        return _stopped(session, found)
    return _silent(session, found)


def _incomplete(session: Session, found: Found) -> Ending:
    """What it says of itself may be true, and its last checkpoint be lost on the way."""
    problem = found.problems[0] if found.problems else "its last checkpoint is missing."
    reason = f"It said that all steps are done, but: {problem}"
    return _go_on(session, found, SessionState.FAILED, reason)


def _failed(result: dict[str, Any]) -> Ending:
    reason = _sentence(str(result.get("reason", "")) or "The kernel failed")
    if knob := str(result.get("knob", "")):
        reason = f"{reason} In a new run, turn down {knob}."
    return Ending(SessionState.FAILED, RunState.FAILED, reason, error=reason)


def _stopped(session: Session, found: Found) -> Ending:
    reason = f"It stopped in good time, at step {found.step:,}."
    return _go_on(session, found, SessionState.TIMED_OUT, reason, TOO_SHORT)


def _silent(session: Session, found: Found) -> Ending:
    """No word of its own: it ran into the limit, or was ended from outside."""
    state = SessionState.TIMED_OUT if _has_had_its_time(session) else SessionState.FAILED
    said = f" ({session.reason.rstrip('.')})" if session.reason else ""
    if _has_come_further(session, found):
        reason = (
            f"It ended without a word of its own{said}, but its checkpoint of step "
            f"{_newest(found):,} is there."
        )
        return _go_on(session, found, state, reason)
    lost = f"The session ended without a word of its own{said}, and left no new checkpoint."
    if _barren_before(session) + 1 < BARREN:
        return _next(session, state, f"{lost} Another one is tried.")
    error = f"{lost} Nor did the one before: look at the log, then try again."
    return Ending(state, RunState.FAILED, lost, error=error)


def _has_had_its_time(session: Session) -> bool:
    if session.started is None or session.finished_at is None:
        return False
    lasted = (session.finished_at - session.started).total_seconds()
    return lasted >= NEARLY * session.run.session_s


def _go_on(
    session: Session, found: Found, state: SessionState, reason: str, end: str = SECOND
) -> Ending:
    if not _has_come_further(session, found) and _barren_before(session) + 1 >= BARREN:
        return Ending(state, RunState.FAILED, reason, error=f"{reason} {end}")
    return _next(session, state, reason)


def _next(session: Session, state: SessionState, reason: str) -> Ending:
    run = session.run
    if session.number < run.max_sessions:
        return Ending(state, RunState.WAITING, reason)
    step = max(run.step, session.step)
    error = (
        f"Its sessions are used up ({run.max_sessions}), at step {step:,} of {run.total_steps:,}: "
        "trying again allows one more."
    )
    return Ending(state, RunState.FAILED, reason, error=error)


def _newest(found: Found) -> int:
    return max((each.step for each in found.checkpoints), default=0)


def _has_come_further(session: Session, found: Found) -> bool:
    return _newest(found) > (session.resume.step if session.resume else 0)


def _barren_before(session: Session) -> int:
    """Sessions just before this one that have left no checkpoint, though nobody cancelled them."""
    earlier = session.run.sessions.filter(number__lt=session.number).order_by("-number")
    count = 0
    for each in earlier.exclude(state=SessionState.CANCELLED):
        if each.checkpoints.exists():
            break
        count += 1
    return count


def _sentence(text: str) -> str:
    text = text.strip()
    return text if text.endswith((".", "!", "?")) else f"{text}."

"""How a session ended, and what that means for its run: one rule for each case."""

from dataclasses import dataclass
from typing import Any

from kaggle_bridge.inspecting.inspection import Found
from kaggle_bridge.models import RunState, Session, SessionState

BARREN = 2  # sessions in a row without a new checkpoint


@dataclass(frozen=True)
class Ending:
    """run: COMPLETE, FAILED, or WAITING for the next session. error: for FAILED."""

    session: SessionState
    run: RunState
    reason: str
    error: str = ""


def of(session: Session, found: Found) -> Ending:
    """session.result: what the service said before; found: what the kernel has left."""
    state = str(found.result.get("state", ""))
    if state == "complete":
        return _complete(session, found)
    if state in ("failed", "refused"):
        return _failed(found.result)
    if state == "stopped":
        return _stopped(session, found)
    return _silent(session, found)


def _complete(session: Session, found: Found) -> Ending:
    """Only with the checkpoint of the last step: all that a session says may be lost on its way."""
    run = session.run
    if run.checkpoints.filter(step__gte=run.total_steps).exists():
        return Ending(SessionState.COMPLETE, RunState.COMPLETE, "all steps are done")
    return _go_on(
        session, found, "said that all steps are done, but its last checkpoint is missing"
    )


def _failed(result: dict[str, Any]) -> Ending:
    reason = _sentence(str(result.get("reason", "")) or "The kernel failed")
    if knob := str(result.get("knob", "")):
        reason = f"{reason} Turn down {knob}."
    return Ending(SessionState.FAILED, RunState.FAILED, reason, error=reason)


def _stopped(session: Session, found: Found) -> Ending:
    return _go_on(session, found, f"stopped in good time at step {found.step:,}")


def _silent(session: Session, found: Found) -> Ending:
    """No word of its own: it ran into the limit, or was ended from outside."""
    said = f" ({session.reason})" if session.reason else ""
    if _has_come_further(session, found):
        reason = f"ended without a word{said}; its checkpoint of step {_newest(found):,} is there"
        return _go_on(session, found, reason)
    lost = _sentence(f"The session ended without a word{said}, and left no new checkpoint")
    if _barren_before(session) + 1 < BARREN:
        return _next(session, SessionState.TIMED_OUT, f"{lost} One more is tried.")
    error = f"{lost} The one before neither: look at the log, then try again."
    return Ending(SessionState.FAILED, RunState.FAILED, lost, error=error)


def _go_on(session: Session, found: Found, reason: str) -> Ending:
    if not _has_come_further(session, found) and _barren_before(session) + 1 >= BARREN:
        error = (
            "Two sessions in a row have ended before the first new checkpoint: "
            "give them more time, or save more often (save_interval)."
        )
        return Ending(SessionState.TIMED_OUT, RunState.FAILED, reason, error=error)
    return _next(session, SessionState.TIMED_OUT, reason)


def _next(session: Session, state: SessionState, reason: str) -> Ending:
    run = session.run
    if session.number < run.max_sessions:
        return Ending(state, RunState.WAITING, reason)
    step = max(run.step, session.step)
    error = (
        f"All {run.max_sessions} sessions are used, at step {step:,} of {run.total_steps:,}: "
        "trying again allows one more."
    )
    return Ending(state, RunState.FAILED, reason, error=error)


def _newest(found: Found) -> int:
    return max((each.step for each in found.checkpoints), default=0)


def _has_come_further(session: Session, found: Found) -> bool:
    return _newest(found) > (session.resume.step if session.resume else 0)


def _barren_before(session: Session) -> int:
    """Sessions just before this one that have left no checkpoint."""
    earlier = session.run.sessions.filter(number__lt=session.number).order_by("-number")
    count = 0
    for each in earlier:
        if each.checkpoints.exists():
            break
        count += 1
    return count


def _sentence(text: str) -> str:
    text = text.strip()
    return text if text.endswith((".", "!", "?")) else f"{text}."

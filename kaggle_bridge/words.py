"""The sentence behind every state word of training, and how a page tells where a run stands."""

from datetime import timedelta

from kaggle_bridge.models import (
    Backend,
    Checkpoint,
    CheckpointState,
    Enter,
    RunState,
    Session,
    SessionState,
    TrainingRun,
)
from league.words import precise_span

RUN_STATES = {
    RunState.DRAFT: "Set up, and nothing has been sent yet: an organiser starts it.",
    RunState.PUSHING: "The script of its next session is on its way to where it will run.",
    RunState.QUEUED: "Its session has been taken and waits for a free machine there.",
    RunState.RUNNING: "A session is training.",
    RunState.WAITING: "No session is under way. It goes on by itself: after a pause, or when there "
    "is quota again.",
    RunState.COMPLETE: "All steps are done. What it has left is checked and enters its ladder; "
    "where it was to enter none, this is the end.",
    RunState.IMPORTED: "All steps are done, and the last checkpoint wanted has become a "
    "submission.",
    RunState.FAILED: "It has ended before all steps were done; its page says why and what to do. "
    "Its checkpoints stay, and trying again goes on from the newest.",
    RunState.CANCELLED: "An organiser has ended it. Its checkpoints stay, and trying again goes on "
    "from the newest.",
}
SESSION_STATES = {
    SessionState.PUSHING: "Its script, and the checkpoint that it goes on from, are being sent.",
    SessionState.QUEUED: "It waits for a free machine.",
    SessionState.RUNNING: "It trains, until all steps are done or its time is up.",
    SessionState.COMPLETE: "It has ended with all steps of the run done.",
    SessionState.TIMED_OUT: "Its time was up before all steps were done: the next one goes on from "
    "its newest checkpoint.",
    SessionState.FAILED: "It has ended with an error, or before its time without a word. What it "
    "had saved until then counts.",
    SessionState.CANCELLED: "Its run was cancelled. What it still leaves is not taken.",
}
CHECKPOINT_STATES = {
    CheckpointState.KEPT: "Verified and kept, to go on from. It enters no ladder as things are.",
    CheckpointState.WANTED: "It is being made into an agent, and becomes a submission.",
    CheckpointState.ENTERED: "It has become a submission, which is validated like any upload.",
    CheckpointState.REFUSED: "It could not be made into a submission; the reason stands with it.",
}
ENTER = {
    Enter.EVERY: "Checkpoints spread evenly over the run, at most ten of which play at once.",
    Enter.BEST: "Whichever checkpoint has done better in the arena than all before it.",
    Enter.LAST: "The checkpoint with which the run ends.",
}
TERMS = {
    "Run": "One training from its first to its last step, in as many sessions as that takes.",
    "Session": "One stay on a machine, with a limit of time. The next one goes on, to the bit, "
    "from the newest checkpoint of the one before.",
    "Checkpoint": "The weights at one step and all that is needed to go on from them, in one "
    "verified file.",
    "Arena": "Games against fixed opponents that the trainer itself plays now and then; quicker "
    "than the ladder, and no replacement for it.",
    "Run's team": "Each run submits as a team of its own. Its entrants may meet each other, unlike "
    "those of other teams.",
}
UNITS = ((10**9, "G"), (10**6, "M"), (10**3, "k"))


def steps(count: int) -> str:
    """Three digits and a unit: "4.1 M", "301 k", "512". Never more than there are."""
    for size, unit in UNITS:
        if count >= size:
            digits = 1 if count >= 100 * size else 10 if count >= 10 * size else 100
            return f"{count * digits // size / digits:g} {unit}"
    return str(count)


def standing(run: TrainingRun, session: Session | None, left_s: float | None = None) -> str:
    """Where a run stands, in one sentence. session: its newest. left_s: None where unknown."""
    match run.state:
        case RunState.DRAFT:
            return f"A draft of {steps(run.total_steps)} steps: nothing has been sent yet."
        case RunState.COMPLETE | RunState.IMPORTED:
            return f"{_done(run, session)}{_entering(run)}."
        case RunState.FAILED:
            return f"Failed at {_step(run)}. {run.error}".rstrip()
        case RunState.CANCELLED:
            return f"Cancelled at {_step(run)}.{_reason(run)}"
    parts = [_under_way(run, session), _step(run)]
    if left_s is not None:
        parts.append(f"about {precise_span(timedelta(seconds=left_s))} left")
    return ", ".join(parts) + "."


def _under_way(run: TrainingRun, session: Session | None) -> str:
    where, state = Backend(run.backend).label, RunState(run.state)
    of_sessions = f"session {_number(session)} of at most {run.max_sessions}"
    if state == RunState.WAITING:
        return f"Waiting to begin {of_sessions} on {where}"
    if state == RunState.PUSHING and run.backend == Backend.KAGGLE:
        return f"Being sent to {where}, {of_sessions}"
    begun = {RunState.PUSHING: "Being started", RunState.QUEUED: "Queued"}.get(state, "Running")
    return f"{begun} on {where}, {of_sessions}"


def _number(newest: Session | None) -> int:
    """Of the session that is under way or comes next."""
    if newest is None:
        return 1
    return newest.number if newest.state in Session.OPEN else newest.number + 1


def _step(run: TrainingRun) -> str:
    return f"step {steps(run.step)} of {steps(run.total_steps)}"


def _done(run: TrainingRun, session: Session | None) -> str:
    count = session.number if session else 0
    within = f" in {count} session{'s' if count > 1 else ''}" if count else ""
    return f"All {steps(run.total_steps)} steps are done{within}"


def _entering(run: TrainingRun) -> str:
    if run.competition is None:
        return "" if run.is_over else ", and its checkpoints are being taken in"
    if run.state == RunState.IMPORTED:
        return f", and what was wanted of it has entered {run.competition}"
    if run.is_over:
        return f", but nothing of it has entered {run.competition}"
    return f", and its checkpoints are entering {run.competition}"


def _reason(run: TrainingRun) -> str:
    """What was said when it was cancelled, if anything."""
    _, _, reason = run.error.partition(": ")
    return f" The reason given: {reason.rstrip('.')}." if reason else ""


def next_step(run: TrainingRun, newest: Checkpoint | None) -> str:
    """What to do about a run that was cut short; empty for all others."""
    if run.state not in (RunState.FAILED, RunState.CANCELLED):
        return ""
    if newest is None:
        return "It has left no checkpoint. Trying again begins anew."
    if newest.step >= run.total_steps:
        return "Its last checkpoint is there: nothing of the training is left to do."
    return f"Trying again goes on from its checkpoint of step {steps(newest.step)}."

"""What a session lets us see: its log, the numbers in it, its checkpoints; and taking all that in.

Taking in the same twice changes nothing, so a process may die in the middle of it.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kaggle_bridge import checkpoints, entrants, kernel_log, metrics, scratch
from kaggle_bridge.backend import Backend as Place
from kaggle_bridge.backend import Missing, Trouble
from kaggle_bridge.inspecting import inspection
from kaggle_bridge.inspecting.inspection import Found
from kaggle_bridge.models import Session, TrainingRun
from league.models import Phase

LOG_CHARS = 64 * 1024  # of a log's end that are kept
REPORTED = ("devices", "platform", "versions", "inputs", "step", "source_hash")
MOST_TOLD, MOST_CHARS, MOST_INT = 50, 200, 2**53
TAKES = 3  # times that an output is fetched before what is damaged in it is left


def follow(session: Session, place: Place) -> None:
    """While it runs: the log, and, where the files can be seen already, new checkpoints."""
    events = note_log(session, _log(session, place))
    told = [event["step"] for event in events if event["kind"] == "checkpoint"]
    steps = [step for step in told if metrics.is_possible(session.run, step)]
    newest = session.checkpoints.order_by("-step").values_list("step", flat=True).first()
    if place.is_live and steps and max(steps) > (newest or -1):
        with _taken(session, place) as found:  # a file may be replaced under our hands
            take_in(session, found)


def conclude(session: Session, place: Place) -> Found:
    """After its end: everything. What is damaged is fetched again some times."""
    note_log(session, _log(session, place))
    with _taken(session, place) as found:
        if found.problems and not place.is_live and session.run.troubles < TAKES:
            raise Trouble(f"{found.problems[0]} The output is fetched again.")
        take_in(session, found)
        return found


def take_in(session: Session, found: Found) -> None:
    checkpoints.record(session.run, session, found)
    _note_step(session, found.step)
    enter(session.run)


def enter(run: TrainingRun) -> None:
    """What is wanted of what there is becomes submissions; what they supersede retires."""
    entrants.choose(run)
    if is_early(run):
        return
    while entrants.import_next(run):
        pass
    entrants.retire_superseded(run)


def is_early(run: TrainingRun) -> bool:
    """Whether its competition is not open yet."""
    return run.competition is not None and run.competition.phase == Phase.UPCOMING


def note_log(session: Session, raw: str) -> tuple[dict[str, Any], ...]:
    """Keeps the log's end and what the kernel tells in it; its events."""
    if not raw:
        return ()
    log = kernel_log.parse(raw)
    fields: dict[str, Any] = {"log": log.text[-LOG_CHARS:].replace("\0", "")}
    for event in log.events:
        if event["kind"] == "start":
            fields["report"] = {name: _short(event.get(name)) for name in REPORTED}
    session.keep(**fields)
    lines = [event["line"] for event in log.events if event["kind"] == "metrics"]
    _note_step(session, metrics.keep(session.run, lines))
    return log.events


def _short(value: Any) -> Any:
    """Of what a kernel tells as much as a page shows."""
    match value:
        case dict():
            pairs = list(value.items())[:MOST_TOLD]
            return {str(name)[:MOST_CHARS]: str(each)[:MOST_CHARS] for name, each in pairs}
        case list():
            return [str(each)[:MOST_CHARS] for each in value[:MOST_TOLD]]
        case int() if abs(value) < MOST_INT:
            return value
    return "" if value is None else str(value)[:MOST_CHARS]


def _note_step(session: Session, step: int) -> None:
    if not metrics.is_possible(session.run, step):
        return
    if step > session.step:
        session.keep(step=step)
    if step > session.run.step:
        session.run.keep(step=step)


def _log(session: Session, place: Place) -> str:
    try:
        return place.log(session.run.kernel_ref, session.kernel_version or 0)
    except Missing:
        return ""


@contextmanager
def _taken(session: Session, place: Place) -> Iterator[Found]:
    """The output in a folder of its own, looked through; gone when the block ends."""
    folder = scratch.root() / session.token
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    try:
        _fetch(session, place, folder)
        yield inspection.look_at_output(folder, session.run.pk, session.token)
    except inspection.InspectionFault as error:
        raise Trouble(f"Our fault: {error}") from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _fetch(session: Session, place: Place, folder: Path) -> None:
    try:
        place.output(session.run.kernel_ref, session.kernel_version or 0, folder)
    except Missing:  # a session may end without any
        return

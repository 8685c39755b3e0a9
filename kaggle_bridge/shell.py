"""What `manage.py kaggle` does: the verbs of the pages, with a terminal instead of a browser.

It may run beside the league or without it: whoever holds a run's lock moves it on.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from django.utils import timezone
from tqdm import tqdm

from kaggle_bridge import accounts, driver, places, runs
from kaggle_bridge.backend import BackendError, NoAccess, Trouble
from kaggle_bridge.models import Backend, RunState, Session, TrainingRun
from league.errors import LeagueError, NotFound

OK, FAILED, CANCELLED, NOT_NOW = 0, 1, 3, 75
CODES = {RunState.FAILED: FAILED, RunState.CANCELLED: CANCELLED}
TICK_S = 1.0
Options = Mapping[str, Any]


class Terminal:
    """Lines for a person; a bar of steps where there is a terminal."""

    def __init__(self, out: Any, err: Any) -> None:
        self._out, self._err = out, err
        self._bar: Any = None
        self._last = ""

    def say(self, line: str) -> None:
        """Once: a state that stays is not told again."""
        if line != self._last:
            self._last = line
            self._write(self._out, line)

    def complain(self, line: str) -> None:
        self._write(self._err, line)

    def show(self, run: TrainingRun) -> None:
        """The run's state, and how far it is."""
        self.say(sentence(run))
        if self._bar is None and sys.stderr.isatty():
            self._bar = tqdm(total=run.total_steps, unit="step", unit_scale=True)
        if self._bar is not None:
            self._bar.update(min(run.step, run.total_steps) - self._bar.n)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _write(self, stream: Any, line: str) -> None:
        if self._bar is not None:
            self._bar.clear()
        stream.write(line)


def sentence(run: TrainingRun) -> str:
    """State, session, step and what is to be said of it, on one line."""
    session = run.sessions.order_by("-number").first()
    words = [f"{run}: {run.state}"]
    if session:
        words.append(f"session {session.number} of at most {run.max_sessions} {session.state}")
    words.append(f"step {run.step:,} of {run.total_steps:,}")
    if run.waits_until:
        words.append(f"waits until {run.waits_until:%Y-%m-%d %H:%M} UTC")
    return ", ".join(words) + "".join(f". {text}" for text in (run.note, run.error) if text)


def find(options: Options) -> TrainingRun:
    run = TrainingRun.objects.filter(pk=options["run"]).first()
    if run is None:
        known = ", ".join(map(str, TrainingRun.objects.values_list("pk", flat=True)[:10]))
        raise NotFound(f"There is no run {options['run']}; the newest are {known or 'none yet'}.")
    return run


# new, setup


def new(terminal: Terminal, options: Options) -> int:
    wish = runs.Wish(
        preset=options["preset"],
        config=dict(map(_override, options["set"])),
        total_steps=options["total_steps"],
        backend=options["backend"],
        accelerator=options["accelerator"],
        internet=options["internet"],
        competition=options["competition"],
        enter=options["enter"],
        max_sessions=options["max_sessions"],
        session_minutes=options["session_minutes"],
    )
    terminal.say(str(runs.create(None, wish, is_draft=True).pk))
    return OK


def _override(text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not (key and equals):
        raise LeagueError(f"--set wants key=value, not {text!r}.", "bad_config")
    try:
        return key, json.loads(value)
    except ValueError:
        return key, value


def setup(terminal: Terminal, options: Options) -> int:
    """Each thing that a push needs, with a word on whether it is there."""
    place = places.kaggle()
    facts = place.facts()
    if facts.problem:
        terminal.complain(f"credentials: {facts.problem}")
        return FAILED
    try:
        owner = place.whoami()
    except BackendError as error:
        terminal.complain(f"credentials: {error.message}")
        return FAILED if isinstance(error, NoAccess) or not isinstance(error, Trouble) else NOT_NOW
    terminal.say(f"credentials: taken, of the account {owner}")
    wanted = options["username"]
    if wanted and wanted != owner:
        terminal.complain(f"account: {owner}, not {wanted}: set the credentials of {wanted}.")
        return FAILED
    accounts.look(place)
    _say_quota(terminal, place)
    return OK


def _say_quota(terminal: Terminal, place: Any) -> None:
    try:
        found = accounts.quota(place)
    except BackendError as error:
        terminal.say(f"quota: not told ({error.message})")
        return
    for name, quota in found.items():
        hours = f"{quota.left_s / 3600:.1f} of {quota.total_s / 3600:.0f} hours left"
        until = f", anew at {quota.resets_at:%Y-%m-%d %H:%M} UTC" if quota.resets_at else ""
        terminal.say(f"quota: {name}, {hours}{until}")


# push, run, status


def push(terminal: Terminal, options: Options) -> int:
    """Until the service has the session, or it is known why not."""
    run = find(options)
    if options["new"]:
        run = runs.copy(run, is_notebook=options["notebook"])
    elif options["notebook"] and not run.is_notebook:
        raise LeagueError(
            "A kernel stays the script or the notebook that it began as: add --new.", "not_new"
        )
    _begin(run)
    code = _drive(terminal, run, until=_is_sent)
    session = run.sessions.order_by("-number").first()
    if session and session.kernel_url:
        terminal.say(session.kernel_url)
    return code


def _begin(run: TrainingRun) -> None:
    if run.state == RunState.DRAFT:
        runs.start(run)
    elif run.state in (RunState.FAILED, RunState.CANCELLED):
        runs.retry(run, None)
    elif run.state == RunState.WAITING:
        run.keep(waits_until=timezone.now())
    elif run.state != RunState.PUSHING:
        raise LeagueError(f"There is nothing to push: {sentence(run)}.", "wrong_state")


def _is_sent(run: TrainingRun) -> bool:
    return run.state not in (RunState.PUSHING, RunState.WAITING)


def follow(terminal: Terminal, options: Options) -> int:
    run = find(options)
    if options["push_first"]:
        _begin(run)
    elif run.state == RunState.DRAFT:
        raise LeagueError("This run was never sent: add --push-first.", "wrong_state")
    return _drive(terminal, run, until=_is_over, patient=True)


def _is_over(run: TrainingRun) -> bool:
    return run.ended is not None or run.state in CODES


def _drive(
    terminal: Terminal,
    run: TrainingRun,
    until: Callable[[TrainingRun], bool],
    patient: bool = False,
) -> int:
    """Moves it on. patient: waits for quota and through troubles, too."""
    try:
        while True:
            driver.advance(run.pk)
            run.refresh_from_db()
            terminal.show(run)
            if until(run) or _is_over(run):
                return CODES.get(RunState(run.state), OK)
            if not patient and (run.troubles or run.state == RunState.WAITING):
                return NOT_NOW
            pause = (run.due_at - timezone.now()).total_seconds()
            time.sleep(min(max(pause, TICK_S), 30.0))
    finally:
        terminal.close()


def status(terminal: Terminal, options: Options) -> int:
    run = find(options)
    try:
        while True:
            if run.state in TrainingRun.ACTIVE and run.due_at <= timezone.now():
                driver.advance(run.pk)
                run.refresh_from_db()
            terminal.show(run)
            if not options["watch"] or _is_over(run):
                return CODES.get(RunState(run.state), OK)
            time.sleep(options["interval"])
            run.refresh_from_db()
    finally:
        terminal.close()


# download


def download(terminal: Terminal, options: Options) -> int:
    run = find(options)
    session = run.sessions.filter(kernel_version__isnull=False).order_by("-number").first()
    if session is None:
        raise LeagueError("No session of this run was ever sent.", "wrong_state")
    folder = _empty(Path(options["output_dir"]))
    try:
        _fetch(run, session, folder)
    except BackendError as error:
        terminal.complain(error.message)
        return NOT_NOW if isinstance(error, Trouble) else FAILED
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        terminal.say(f"{path.stat().st_size:>12,}  {path.relative_to(folder)}")
    terminal.say(f"Go on from it here: python -m training run {run.preset} --out {folder}/resume")
    return OK


def _empty(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(os.scandir(folder)):
            raise LeagueError(f"{folder} is not empty: give another folder.", "not_empty")
    except OSError as error:
        raise LeagueError(f"{folder} cannot be used ({error.strerror}).", "bad_folder") from None
    return folder


def _fetch(run: TrainingRun, session: Session, folder: Path) -> None:
    place = places.place(Backend(run.backend))
    place.output(run.kernel_ref, session.kernel_version or 0, folder)


VERBS: dict[str, Callable[[Terminal, Options], int]] = {
    "new": new,
    "setup": setup,
    "push": push,
    "run": follow,
    "status": status,
    "download": download,
}

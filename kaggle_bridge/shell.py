"""What `manage.py kaggle` does: the verbs of the pages, with a terminal instead of a browser.

It may run beside the league or without it: whoever holds a run's lock moves it on.
"""

import json
import os
import shlex
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.utils import timezone
from tqdm import tqdm

from kaggle_bridge import accounts, driver, places, runs
from kaggle_bridge.backend import BackendError, NoAccess, Quota, Trouble
from kaggle_bridge.backends.kaggle import KaggleBackend
from kaggle_bridge.client import credentials
from kaggle_bridge.models import Backend, RunState, Session, TrainingRun
from league.errors import LeagueError, NotFound

OK, FAILED, CANCELLED, NOT_NOW = 0, 1, 3, 75
CODES = {RunState.FAILED: FAILED, RunState.CANCELLED: CANCELLED}
TICK_S, LONGEST_TICK_S = 1.0, 30.0
TENDED = timedelta(minutes=1)
CONFIG = "config.json"
PHONE = (
    "phone number: cannot be seen from here; Kaggle gives GPU, TPU and internet only to accounts "
    "whose number is verified (https://www.kaggle.com/settings)"
)
Options = Mapping[str, Any]


class Terminal:
    """Lines for a person, and a bar of steps where there is a terminal."""

    def __init__(self, out: Any, err: Any) -> None:
        self._out, self._err = out, err
        self._bar: Any = None
        self._last = ""

    def say(self, line: str) -> None:
        self._write(self._out, line)

    def complain(self, line: str) -> None:
        self._write(self._err, line)

    def show(self, run: TrainingRun) -> None:
        """The run's state and how far it is, unless that was the last thing shown."""
        has_bar = sys.stderr.isatty()
        line = sentence(run, with_step=not has_bar)
        if line != self._last:
            self._last = line
            self.say(line)
        if has_bar:
            self._move_bar(run)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _move_bar(self, run: TrainingRun) -> None:
        step = min(run.step, run.total_steps)
        if self._bar is None:
            self._bar = tqdm(total=run.total_steps, initial=step, unit="step", unit_scale=True)
        self._bar.update(step - self._bar.n)

    def _write(self, stream: Any, line: str) -> None:
        if self._bar is not None:
            self._bar.clear()
        stream.write(line)
        stream.flush()  # whoever reads a pipe follows, too


def sentence(run: TrainingRun, with_step: bool = True) -> str:
    """State, session, step and what is to be said of it, on one line."""
    session = run.sessions.order_by("-number").first()
    words = [f"{run}: {run.state}"]
    if session:
        state = "" if session.state == run.state else f" {session.state}"
        words.append(f"session {session.number} of at most {run.max_sessions}{state}")
    if with_step:
        words.append(f"step {run.step:,} of {run.total_steps:,}")
    if run.waits_until:
        words.append(f"goes on at {run.waits_until:%Y-%m-%d %H:%M} UTC")
    return ", ".join(words) + "".join(f". {text.rstrip('.')}" for text in _remarks(run)) + "."


def _remarks(run: TrainingRun) -> list[str]:
    tries = f"Tried {run.troubles} time{'s' * (run.troubles > 1)} in a row" if run.troubles else ""
    return [text for text in (run.note, tries, run.error) if text]


def find(options: Options) -> TrainingRun:
    run = TrainingRun.objects.filter(pk=options["run"]).first()
    if run is None:
        known = ", ".join(map(str, TrainingRun.objects.values_list("pk", flat=True)[:10]))
        raise NotFound(f"There is no run {options['run']}; the newest are {known or 'none yet'}.")
    return run


def code_of(error: BackendError) -> int:
    """Whether it may help to try again later."""
    is_passing = isinstance(error, Trouble) and not isinstance(error, NoAccess)
    return NOT_NOW if is_passing else FAILED


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
        terminal.complain(facts.problem)
        return FAILED
    if warning := place.warning():
        terminal.complain(f"Warning: {warning}")
    try:
        owner = place.whoami()
    except BackendError as error:
        terminal.complain(error.message)
        return code_of(error)
    source = credentials.find(place.environ, place.data_dir).source
    terminal.say(f"credentials: those of {source} are taken, of the account {owner}")
    if problem := _mismatch(owner, options):
        terminal.complain(problem)
        return FAILED
    accounts.look(place)
    accounts.say(Backend.KAGGLE, "")
    _say_quota(terminal, place)
    terminal.say(PHONE)
    return OK


def _mismatch(owner: str, options: Options) -> str:
    """Why it is not the account that is meant; empty if it is."""
    if options["username"] and options["username"] != owner:
        return f"They are not of {options['username']}: set those of that account."
    kernel = find(options).kernel_ref if options["run"] is not None else ""
    if kernel and kernel.partition("/")[0] != owner:
        return f"The script of run {options['run']} is {kernel}: only its owner's are good for it."
    return ""


def _say_quota(terminal: Terminal, place: KaggleBackend) -> None:
    try:
        found, why = accounts.quota(place), ""
    except BackendError as error:
        found, why = {}, f" {error.message}"
    for name, quota in found.items():
        terminal.say(f"{name}: {_hours(quota)}")
    if not found:
        terminal.say(f"hours of this week: Kaggle does not tell; they are counted here.{why}")


def _hours(quota: Quota) -> str:
    text = f"{quota.left_s / 3600:.1f} of {quota.total_s / 3600:.0f} hours of this week left"
    return f"{text}, anew at {quota.resets_at:%Y-%m-%d %H:%M} UTC" if quota.resets_at else text


# push, run, status


def push(terminal: Terminal, options: Options) -> int:
    """Until the service has the session, or it is known why not."""
    run = find(options)
    can_move = _check_means(run)
    if options["new"]:
        run = runs.copy(run, is_notebook=options["notebook"])
    elif options["notebook"] and not run.is_notebook:
        raise LeagueError(
            "A kernel stays the script or the notebook that it began as: add --new.", "not_new"
        )
    _begin(run)
    code = _drive(terminal, run, can_move, until=_is_sent)
    session = run.sessions.order_by("-number").first()
    if session and session.kernel_url:
        terminal.say(session.kernel_url)
    return code


def follow(terminal: Terminal, options: Options) -> int:
    run = find(options)
    if _is_over(run) and not options["push_first"]:
        terminal.show(run)
        return _code(run)
    can_move = _check_means(run)
    if options["push_first"]:
        _begin(run)
    elif run.state == RunState.DRAFT:
        raise LeagueError("This run was never sent: add --push-first.", "wrong_state")
    return _drive(terminal, run, can_move, until=_is_over, patient=True)


def status(terminal: Terminal, options: Options) -> int:
    run = find(options)
    can_move = not places.place(run.backend).facts().problem
    with closing(terminal):
        while True:
            _look(run, can_move)
            terminal.show(run)
            if _is_over(run):
                return _code(run)
            if not options["watch"]:
                return NOT_NOW if run.troubles else OK
            time.sleep(options["interval"])


def _check_means(run: TrainingRun) -> bool:
    """Whether this process can move it on, or else the league can. Raises LeagueError."""
    problem = places.place(run.backend).facts().problem
    league = accounts.account(run.backend)
    is_tended = league.seen_at and league.seen_at > timezone.now() - TENDED
    if problem and not (is_tended and league.has_credentials):
        raise LeagueError(problem, "no_access")
    return not problem


def _begin(run: TrainingRun) -> None:
    if run.state == RunState.DRAFT:
        runs.start(run)
    elif run.state in (RunState.FAILED, RunState.CANCELLED):
        runs.retry(run, None)
    elif run.state in (RunState.PUSHING, RunState.WAITING):
        now = timezone.now()
        waits_until = now if run.state == RunState.WAITING else None
        run.keep(due_at=now, waits_until=waits_until, note="", troubles=0)
    else:
        raise LeagueError(f"There is nothing to push. {sentence(run)}", "wrong_state")


def _drive(
    terminal: Terminal,
    run: TrainingRun,
    can_move: bool,
    until: Callable[[TrainingRun], bool],
    patient: bool = False,
) -> int:
    """Moves it on. patient: waits for quota and through troubles, too."""
    with closing(terminal):
        while True:
            _look(run, can_move)
            terminal.show(run)
            if until(run) or _is_over(run):
                return _code(run)
            if not patient and (run.troubles or run.state == RunState.WAITING):
                return NOT_NOW
            pause = (run.due_at - timezone.now()).total_seconds()
            time.sleep(min(max(pause, TICK_S), LONGEST_TICK_S))


def _look(run: TrainingRun, can_move: bool) -> None:
    """Moves it on when it is its time, as the league would; another process may be at it."""
    run.refresh_from_db()
    if can_move and run.state in TrainingRun.ACTIVE and run.due_at <= timezone.now():
        driver.advance(run.pk)
        run.refresh_from_db()


def _is_sent(run: TrainingRun) -> bool:
    return run.state not in (RunState.PUSHING, RunState.WAITING)


def _is_over(run: TrainingRun) -> bool:
    return run.ended is not None or run.state in CODES


def _code(run: TrainingRun) -> int:
    return CODES.get(RunState(run.state), OK)


@contextmanager
def closing(terminal: Terminal) -> Iterator[None]:
    try:
        yield
    finally:
        terminal.close()


# download


def download(terminal: Terminal, options: Options) -> int:
    run = find(options)
    session = run.sessions.filter(kernel_version__isnull=False).order_by("-number").first()
    if session is None:
        raise LeagueError("No session of this run was ever sent.", "wrong_state")
    folder = Path(options["output_dir"])
    try:
        files = _fetch(run, session, folder)
    except BackendError as error:
        terminal.complain(error.message)
        return code_of(error)
    if not files:
        is_open = session.state in Session.OPEN
        terminal.complain(f"Session {session.number} has left nothing{' yet' * is_open}.")
        return NOT_NOW if is_open else FAILED
    for name in files:
        terminal.say(f"{(folder / name).stat().st_size:>12,}  {name}")
    _say_how_to_go_on(terminal, run, folder)
    return OK


def _fetch(run: TrainingRun, session: Session, folder: Path) -> list[str]:
    """Names of the files; all of them, or none is left there."""
    place = places.place(run.backend)
    with _filling(folder):
        output = place.output(run.kernel_ref, session.kernel_version or 0, folder)
    return sorted(output.files)


@contextmanager
def _filling(folder: Path) -> Iterator[None]:
    """A folder that was empty and is so again when what fills it breaks off."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(os.scandir(folder)):
            raise LeagueError(f"{folder} is not empty: give another folder.", "not_empty")
    except OSError as error:
        raise LeagueError(f"{folder} cannot be used: {error.strerror}.", "bad_folder") from None
    try:
        yield
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(exist_ok=True)
        raise


def _say_how_to_go_on(terminal: Terminal, run: TrainingRun, folder: Path) -> None:
    if not any(folder.glob("resume/*.safetensors")):
        return
    config = folder / CONFIG
    config.write_text(json.dumps(run.resolved, indent=2) + "\n", encoding="utf-8")
    command = f"run {shlex.quote(str(config))} --out {shlex.quote(str(folder / 'resume'))}"
    terminal.say(f"To go on from it here: python -m training {command} --set device=any")


VERBS: dict[str, Callable[[Terminal, Options], int]] = {
    "new": new,
    "setup": setup,
    "push": push,
    "run": follow,
    "status": status,
    "download": download,
}

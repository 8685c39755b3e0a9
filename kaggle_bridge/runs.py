"""The verbs of a run: create, cancel, retry, bring. What moves it on is in `sessions`.

Pages, API, admin and shell call the same ones. Each raises LeagueError and then changes nothing.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from kaggle_bridge import bringing, checkpoints, configs, notices, orders
from kaggle_bridge.models import (
    Accelerator,
    Account,
    Backend,
    Enter,
    RunState,
    Session,
    SessionState,
    TrainingRun,
)
from league.errors import Conflict, LeagueError
from league.models import AuditEntry, Competition, Phase
from league.queue import send

MOST_SESSIONS = 100
LEAST_MINUTES, MOST_MINUTES = 1, 24 * 60


@dataclass(frozen=True)
class Wish:
    """What somebody wants trained. None: as the preset, the settings or the account have it."""

    preset: str
    config: Mapping[str, Any] = field(default_factory=dict)
    total_steps: int | None = None
    backend: str | None = None
    accelerator: str = Accelerator.CPU
    internet: bool = False
    competition: str | None = None
    enter: str = Enter.EVERY
    max_sessions: int = 5
    session_minutes: int | None = None
    is_notebook: bool = False


def create(author: Any, wish: Wish, *, is_draft: bool = False) -> TrainingRun:
    """A run that starts at once, or that waits as a draft for somebody to push it."""
    backend = wish.backend or default_backend()
    _check(wish, backend)
    if "device" in wish.config:
        raise LeagueError('"device" is said by the accelerator: leave it out.', "bad_config")
    overrides: dict[str, Any] = {**wish.config, "device": wish.accelerator}
    if wish.total_steps is not None:
        overrides["total_steps"] = wish.total_steps
    checked = configs.check(wish.preset, overrides)
    competition = _competition(wish, checked.facts, checked.config)
    with transaction.atomic():
        run = TrainingRun.objects.create(
            preset=wish.preset,
            config={key: value for key, value in checked.overrides.items() if key != "device"},
            resolved=checked.config,
            facts=checked.facts,
            total_steps=checked.config["total_steps"],
            backend=backend,
            accelerator=wish.accelerator,
            internet=wish.internet,
            is_notebook=wish.is_notebook,
            max_sessions=wish.max_sessions,
            session_s=60 * (wish.session_minutes or 60 * settings.TRAINING_SESSION_HOURS),
            competition=competition,
            enter=wish.enter,
            author=author,
        )
        AuditEntry.log(author, "create", run)
        if not is_draft:
            start(run)
    return run


def copy(run: TrainingRun, *, is_notebook: bool = False) -> TrainingRun:
    """A draft with the same settings, from the first step."""
    kept = (
        "preset", "config", "resolved", "facts", "total_steps", "backend", "accelerator",
        "internet", "is_private", "max_sessions", "session_s", "competition", "enter",
    )  # fmt: skip
    values = {name: getattr(run, name) for name in kept}
    with transaction.atomic():
        made = TrainingRun.objects.create(**values, is_notebook=is_notebook, author=run.author)
        AuditEntry.log(run.author, "create", made, f"a copy of {run}")
    return made


def default_backend() -> str:
    """Kaggle where its credentials are set, this machine otherwise."""
    has = Account.objects.filter(backend=Backend.KAGGLE, has_credentials=True).exists()
    return Backend.KAGGLE if has else Backend.LOCAL


def start(run: TrainingRun, actor: Any = None, reason: str = "") -> None:
    """A draft is pushed. actor: who has pressed the button."""
    with transaction.atomic():
        now = timezone.now()
        if not run.move(RunState.DRAFT, RunState.PUSHING, started=now, due_at=now):
            raise Conflict(
                f"This run is {run.get_state_display()}: only a draft can be started.", "state"
            )
        add_session(run)
        if actor:
            AuditEntry.log(actor, "start", run, reason)
    wake(run)


def add_session(run: TrainingRun) -> Session:
    """The next one, which goes on from the newest checkpoint. Within a transaction."""
    last = run.sessions.order_by("-number").first()
    number = last.number + 1 if last else 1
    resume = checkpoints.newest(run)
    run.keep(step=resume.step if resume else 0)
    return Session.objects.create(
        run=run,
        number=number,
        token=orders.new_token(),
        resume=resume,
        step=run.step,
    )


def wake(run: TrainingRun) -> None:
    send("kaggle_bridge.advance", [run.pk], queue="training")


@transaction.atomic
def cancel(run: TrainingRun, actor: Any, reason: str = "") -> None:
    """Nothing of it is waited for any more. A kernel at Kaggle runs on until its own deadline."""
    now = timezone.now()
    olds = [RunState.DRAFT, *TrainingRun.TRAINING]
    if not run.move(olds, RunState.CANCELLED, ended=now, note="", waits_until=None):
        raise Conflict(
            f"This run is {run.get_state_display()}; there is nothing to cancel.", "wrong_state"
        )
    run.keep(error=("Cancelled" + (f": {reason}" if reason else "."))[:500])
    for session in run.sessions.filter(state__in=Session.OPEN):
        session.move(
            Session.OPEN, SessionState.CANCELLED, ended=now, reason="Its run was cancelled."
        )
    notices.well_again(run)
    AuditEntry.log(actor, "cancel", run, reason)
    wake(run)


@transaction.atomic
def retry(run: TrainingRun, actor: Any, reason: str = "") -> None:
    """A failed or cancelled run goes on from its newest checkpoint, with a session more.

    One that has made all its steps goes on with what it has left to enter.
    """
    now, has_all = timezone.now(), _has_all_steps(run)
    used = run.sessions.count() + (0 if has_all else 1)
    moved = run.move(
        [RunState.FAILED, RunState.CANCELLED],
        RunState.COMPLETE if has_all else RunState.PUSHING,
        error="",
        note="",
        troubles=0,
        waits_until=None,
        ended=None,
        started=run.started or now,
        due_at=now,
        max_sessions=max(run.max_sessions, used),
    )
    if not moved:
        raise Conflict(
            f"This run is {run.get_state_display()}: only one that has failed or was cancelled "
            "can be tried again.",
            "wrong_state",
        )
    if not has_all:
        add_session(run)
    notices.well_again(run)
    AuditEntry.log(actor, "retry", run, reason)
    wake(run)


def _has_all_steps(run: TrainingRun) -> bool:
    newest = checkpoints.newest(run)
    return newest is not None and newest.step >= run.total_steps


def bring(run: TrainingRun, actor: Any, filename: str, content: bytes) -> int:
    """Takes in by hand what was downloaded by hand; returns the number of new checkpoints."""
    added = bringing.bring(run, filename, content)
    newest = checkpoints.newest(run)
    if newest and newest.step > run.step:
        run.keep(step=newest.step)
    if _has_all_steps(run):
        olds = [RunState.FAILED, RunState.CANCELLED]
        if run.move(
            olds, RunState.COMPLETE, error="", troubles=0, ended=None, due_at=timezone.now()
        ):
            notices.well_again(run)
    AuditEntry.log(actor, "import", run, filename)
    wake(run)
    return added


# What cannot be


def _check(wish: Wish, backend: str) -> None:
    _one_of(backend, Backend, "backend")
    _one_of(wish.accelerator, Accelerator, "accelerator")
    _one_of(wish.enter, Enter, "enter")
    if not 1 <= wish.max_sessions <= MOST_SESSIONS:
        raise LeagueError(f'"max_sessions" must be from 1 to {MOST_SESSIONS}.', "bad_max_sessions")
    minutes = wish.session_minutes
    if minutes is not None and not LEAST_MINUTES <= minutes <= MOST_MINUTES:
        raise LeagueError(
            f'"session_minutes" must be from {LEAST_MINUTES} to {MOST_MINUTES}.',
            "bad_session_minutes",
        )


def _one_of(value: str, known: Any, name: str) -> None:
    if value not in known.values:
        choices = ", ".join(known.values)
        raise LeagueError(f'"{name}" must be one of {choices}, not {value!r:.40}.', f"bad_{name}")


def _meet(config: Mapping[str, Any]) -> bool:
    """Whether checkpoints are saved at steps at which they are evaluated."""
    both: int = math.lcm(config["evaluate_interval"], config["save_interval"])
    return both <= int(config["total_steps"])


def _competition(
    wish: Wish, facts: Mapping[str, Any], config: Mapping[str, Any]
) -> Competition | None:
    if wish.enter == Enter.BEST and wish.competition and not facts["has_arena"]:
        raise LeagueError(
            "This configuration has no arena in which one checkpoint could be the best: set "
            '"evaluate_interval", or enter every checkpoint or the last.',
            "no_arena",
        )
    if wish.enter == Enter.BEST and wish.competition and not _meet(config):
        raise LeagueError(
            "No checkpoint would be saved just when it was in the arena: make "
            '"evaluate_interval" a multiple of "save_interval", or enter every checkpoint or the '
            "last.",
            "no_arena",
        )
    if not wish.competition:
        return None
    competition = Competition.objects.filter(slug=wish.competition).first()
    if competition is None:
        raise LeagueError(f"There is no competition {wish.competition!r:.60}.", "no_competition")
    if competition.environment != facts["environment"]:
        raise LeagueError(
            f"{competition} is played in {competition.environment}, and this configuration "
            f"trains for {facts['environment']}.",
            "wrong_environment",
        )
    if competition.phase_at(timezone.now()) in (Phase.FINAL, Phase.CLOSED):
        raise LeagueError(
            f"{competition} takes no submissions any more: choose another, or none.",
            "submissions_closed",
        )
    return competition

"""The league's Celery tasks: identifiers in, one call, small JSON out."""

import logging
import random
import time
from collections.abc import Callable, Iterable
from typing import Any

from celery import shared_task
from django.db import InterfaceError, OperationalError, connection

from league import (
    alerts,
    disk,
    finals,
    idempotency,
    ledger,
    live,
    matches,
    matchmaking,
    results,
    storage,
    submissions,
    sweeper,
    validation,
    watchman,
)
from league.models import Attempt, Competition

logger = logging.getLogger(__name__)

PAUSES_S = (0.5, 1, 2, 4, 8, 16)


def _patiently(verb: Callable[[Any], bool], what: Any) -> bool:
    """A result is too dear to be lost to a database that is locked, or away, for some seconds."""
    for pause_s in PAUSES_S:
        try:
            return verb(what)
        except (OperationalError, InterfaceError) as error:
            logger.warning("the database does not take a result, trying again: %s", error)
            connection.close()
            time.sleep(pause_s * random.uniform(0.5, 1.0))
    return verb(what)


@shared_task(name="league.validate_submission")
def validate_submission(submission_id: int) -> bool:
    return validation.begin(submission_id)


@shared_task(name="league.record_result")
def record_result(result: dict[str, Any]) -> bool:
    try:
        return _patiently(matches.record, result)
    except results.ResultError as error:
        logger.warning("refused a malformed result: %s", error)
        matches.refuse(result, str(error))
        return False


@shared_task(name="league.record_progress")
def record_progress(attempt_id: int, token: str, stage: str, seconds: float) -> None:
    attempt = Attempt.objects.filter(pk=attempt_id, token=token).select_related("match").first()
    is_stage = stage in {"unpacked", "imported"} and 0 <= seconds <= 3600  # and so a number
    if attempt and attempt.match.candidate_id and is_stage:
        submissions.mark_stage(attempt.match.candidate_id, stage, seconds)


@shared_task(name="league.pair")
def pair(competition_id: int) -> int:
    return matchmaking.pair(Competition.objects.get(pk=competition_id))


def _each(competitions: Iterable[Competition], verb: Callable[[Competition], int]) -> int:
    """What fails in one competition must not stop the others."""
    done = 0
    for competition in competitions:
        try:
            done += verb(competition)
        except Exception as error:
            logger.exception("%s: %s", competition, verb.__qualname__)
            message = f"{competition}: {type(error).__name__}: {error}"
            alerts.raise_alert("competition_fails", message, competition.slug)
    return done


@shared_task(name="league.pair_competitions")
def pair_competitions() -> int:
    live.mark_beat()
    _each(finals.due(), finals.lock)
    return _each(Competition.objects.live(), matchmaking.pair)


@shared_task(name="league.refit_competitions")
def refit_competitions() -> int:
    return _each(Competition.objects.all(), ledger.catch_up)


@shared_task(name="league.rebuild")
def rebuild(competition_id: int) -> bool:
    return ledger.catch_up(Competition.objects.get(pk=competition_id))


@shared_task(name="league.sweep")
def sweep() -> dict[str, int]:
    return sweeper.sweep()


@shared_task(name="league.watch")
def watch() -> int:
    watchman.look()
    return alerts.mail_new()


@shared_task(name="league.tidy")
def tidy() -> list[int]:
    return [idempotency.purge(), storage.remove_leftovers(), disk.prune(), alerts.close_silent()]

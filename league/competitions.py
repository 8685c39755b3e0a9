"""Competitions: pausing and resuming them."""

from typing import Any

from django.db import transaction

from league.errors import Conflict
from league.models import AuditEntry, Competition
from league.queue import later


def pause(competition: Competition, actor: Any, reason: str) -> None:
    """No further match is sent out; those with a worker are finished and count."""
    _set_paused(competition, actor, "pause", reason, paused=True)


def resume(competition: Competition, actor: Any, reason: str) -> None:
    _set_paused(competition, actor, "resume", reason, paused=False)
    later("league.pair", competition.pk)


@transaction.atomic
def _set_paused(
    competition: Competition, actor: Any, action: str, reason: str, *, paused: bool
) -> None:
    changed = Competition.objects.filter(pk=competition.pk, is_paused=not paused)
    if not changed.update(is_paused=paused):
        raise Conflict(
            f"{competition} is {'paused' if paused else 'running'} already.", "no_change"
        )
    AuditEntry.log(actor, action, competition, reason)

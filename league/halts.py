"""The emergency stop: while a halt is open no match is sent out, in no competition."""

from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from league.errors import Conflict
from league.models import AuditEntry, Halt


def current() -> Halt | None:
    return Halt.objects.filter(ended=None).select_related("actor").first()


def halt(actor: Any, reason: str) -> Halt:
    """Nothing more is sent out; what workers play at this moment is finished and counts."""
    try:
        with transaction.atomic():
            stop = Halt.objects.create(actor=actor, reason=reason[:300], began=timezone.now())
            AuditEntry.log(actor, "halt", "all competitions", reason)
    except IntegrityError:
        raise Conflict("Everything is halted already.", "no_change") from None
    return stop


@transaction.atomic
def lift(actor: Any, reason: str) -> None:
    """The sweeper sends out what has waited, within seconds."""
    if not Halt.objects.filter(ended=None).update(ended=timezone.now()):
        raise Conflict("Nothing is halted.", "no_change")
    AuditEntry.log(actor, "lift halt", "all competitions", reason)

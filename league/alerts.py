"""Alerts: what an organiser must know of, once each, until it is over."""

import logging
from datetime import timedelta
from functools import partial
from typing import Any

from django.contrib.auth import get_user_model
from django.core.mail import send_mail
from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from league.errors import Conflict
from league.models import Alert, AuditEntry

SILENT_AFTER = timedelta(hours=3)  # longer than anything waits to be tried again

logger = logging.getLogger(__name__)


def raise_alert(code: str, message: str, target: object = "") -> None:
    """Opens an alert, or counts it once more. Staff get one e-mail for it, from `mail_new`.

    Happens after the commit: a hot row must not be held while something else is waited for.
    """
    transaction.on_commit(partial(_raise, code, message, target))


def _raise(code: str, message: str, target: object) -> None:
    now, name = timezone.now(), str(target)[:120]
    still_open = Alert.objects.filter(code=code, target=name, closed=None)
    if still_open.update(count=F("count") + 1, last_seen=now, message=message[:500]):
        return
    try:
        with transaction.atomic():
            Alert.objects.create(
                code=code, target=name, message=message[:500], raised=now, last_seen=now
            )
    except IntegrityError:  # somebody else was first
        return
    logger.error("alert %s: %s", code, message)


def close_alert(code: str, target: object = "") -> bool:
    found = Alert.objects.filter(code=code, target=str(target)[:120], closed=None)
    return bool(found.update(closed=timezone.now()))


def close(alert: Alert, actor: Any, reason: str) -> None:
    """An organiser has seen to it; what comes back opens a new one."""
    if not open_alerts().filter(pk=alert.pk).update(closed=timezone.now()):
        raise Conflict("This alert is closed already.", "no_change")
    AuditEntry.log(actor, "close alert", alert.code, reason)


def close_silent() -> int:
    """Those that nothing has raised again for hours."""
    silent = open_alerts().filter(last_seen__lt=timezone.now() - SILENT_AFTER)
    return silent.update(closed=timezone.now())


def open_alerts() -> QuerySet[Alert]:
    return Alert.objects.filter(closed=None)


def mail_new() -> int:
    """Tells the staff who have given an address of what they have not been told; how many alerts.

    A mail server that is away is tried again with the next look.
    """
    staff = get_user_model().objects.filter(is_staff=True, is_active=True).exclude(email="")
    addresses = list(staff.values_list("email", flat=True))
    return sum(_mail(alert, addresses) for alert in open_alerts().filter(mailed=None))


def _mail(alert: Alert, addresses: list[str]) -> bool:
    subject = f"[Palaestra] {alert.code.replace('_', ' ')}"
    try:
        if addresses:
            send_mail(subject, alert.message, None, addresses)
    except OSError as error:  # smtplib's errors are OSErrors
        logger.warning("could not send the mail of an alert: %s", error)
        return False
    return bool(Alert.objects.filter(pk=alert.pk).update(mailed=timezone.now()))

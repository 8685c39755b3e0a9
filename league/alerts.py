"""Alerts: what an organiser must know of, once each, until it is over."""

import logging

from django.contrib.auth import get_user_model
from django.core.mail import send_mail
from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from league.models import Alert
from league.queue import later

logger = logging.getLogger(__name__)


def raise_alert(code: str, message: str, target: object = "") -> bool:
    """Opens an alert, or counts it once more; True if it is new. Staff get one e-mail for it."""
    now, name = timezone.now(), str(target)[:120]
    still_open = Alert.objects.filter(code=code, target=name, closed=None)
    if still_open.update(count=F("count") + 1, last_seen=now, message=message[:500]):
        return False
    try:
        with transaction.atomic():
            alert = Alert.objects.create(
                code=code, target=name, message=message[:500], raised=now, last_seen=now
            )
    except IntegrityError:  # somebody else was first
        return False
    logger.error("alert %s: %s", code, message)
    later("league.mail_alert", alert.pk)
    return True


def close_alert(code: str, target: object = "") -> bool:
    found = Alert.objects.filter(code=code, target=str(target)[:120], closed=None)
    return bool(found.update(closed=timezone.now()))


def open_alerts() -> QuerySet[Alert]:
    return Alert.objects.filter(closed=None)


def mail(alert_id: int) -> int:
    """Tells the staff who have given an address; how many. A mail server that is away is noted."""
    alert = Alert.objects.get(pk=alert_id)
    staff = get_user_model().objects.filter(is_staff=True, is_active=True).exclude(email="")
    addresses = list(staff.values_list("email", flat=True))
    if addresses:
        try:
            send_mail(f"[Palaestra] {alert.code.replace('_', ' ')}", alert.message, None, addresses)
        except OSError as error:  # smtplib's errors are OSErrors
            logger.warning("could not send the mail of an alert: %s", error)
            return 0
    return len(addresses)

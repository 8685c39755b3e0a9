"""Time travel: every moment that a league has noted is moved, as if its clock had been."""

from datetime import timedelta
from itertools import islice
from typing import Any

from django.apps import apps
from django.db import transaction
from django.db.models import DateTimeField, F


def shift_stamps(by: timedelta, using: str) -> None:
    """In all tables of a database. A competition's dates are plans, not notes, and stay."""
    with transaction.atomic(using=using):
        for model in apps.get_app_config("league").get_models():
            stamps = [f.name for f in model._meta.fields if isinstance(f, DateTimeField)]
            if stamps and model.__name__ != "Competition":
                moved = {name: F(name) + by for name in stamps}
                model._base_manager.using(using).update(**moved)


def shift_expiries(client: Any, by_s: int) -> None:
    """Redis counts the lives of its keys by the same clock."""
    for key in islice(client.scan_iter("palaestra:*", count=1000), 100_000):
        left_ms = client.pttl(key)
        if left_ms >= 0:
            client.pexpire(key, max(1, left_ms + by_s * 1000))

"""What is known of an account: told by the one process that may look, read by the pages."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from kaggle_bridge.backend import Backend as Place
from kaggle_bridge.backend import Missing, NoQuota, Quota, Refused
from kaggle_bridge.models import Account, Session, TrainingRun

LEAST_S = 15 * 60  # a session shorter than this is not worth its start
WEEK = timedelta(days=7)
FRESH = timedelta(seconds=15)


def account(backend: str) -> Account:
    return Account.objects.get_or_create(backend=backend)[0]


def look(place: Place) -> Account:
    """Without asking anybody: whether there are credentials, and whose."""
    row, now = account(place.name), timezone.now()
    if row.seen_at and row.seen_at > now - FRESH:
        return row
    found = place.facts()
    known = {"owner": found.owner or row.owner, "has_credentials": not found.problem}
    # What the service has said of the credentials stands until it says otherwise.
    problem = found.problem or (row.problem if row.has_credentials else "")
    Account.objects.filter(pk=row.pk).update(**known, problem=problem, seen_at=now)
    row.refresh_from_db()
    return row


def say(backend: str, problem: str) -> None:
    """A problem with the account; empty: the service has just taken its credentials."""
    Account.objects.filter(backend=backend).exclude(problem=problem).update(problem=problem)


def quota(place: Place) -> dict[str, Quota]:
    """Asks the service, and notes what it says."""
    found = place.quota()
    told = {name: _to_json(each) for name, each in found.items()}
    Account.objects.filter(backend=place.name).update(quota=told, quota_at=timezone.now())
    return found


def time_for(run: TrainingRun, place: Place) -> int:
    """Seconds that a session of this run may last now. Raises NoQuota where that is too little."""
    if run.accelerator not in ("gpu", "tpu") or run.backend != "kaggle":
        return run.session_s
    left = _told(place).get(run.accelerator) or _by_settings(run)
    if left.left_s < min(LEAST_S, run.session_s):
        raise NoQuota(
            f"The {left.total_s / 3600:.0f} hours of {run.get_accelerator_display()} of this week"
            " are used up.",
            left.resets_at,
        )
    return int(min(run.session_s, left.left_s))


def _told(place: Place) -> dict[str, Quota]:
    """Nothing where the service does not answer this question."""
    try:
        return quota(place)
    except (Missing, Refused):
        return {}


def _by_settings(run: TrainingRun) -> Quota:
    """Where the service does not say: the hours that our own sessions of seven days took."""
    now = timezone.now()
    hours = {"gpu": settings.TRAINING_GPU_HOURS, "tpu": settings.TRAINING_TPU_HOURS}
    rows = Session.objects.filter(
        run__backend=run.backend, run__accelerator=run.accelerator, started__gte=now - WEEK
    )
    used = [((row.finished_at or now) - row.started).total_seconds() for row in rows if row.started]
    first = rows.order_by("started").values_list("started", flat=True).first()
    found = Quota(sum(used), 3600.0 * hours[run.accelerator])
    return replace(found, resets_at=first + WEEK) if first else found


def _to_json(found: Quota) -> dict[str, Any]:
    resets = found.resets_at.isoformat() if found.resets_at else None
    return {"used_s": found.used_s, "total_s": found.total_s, "resets_at": resets}

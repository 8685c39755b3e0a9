"""The watchman: raises an alert for whatever stays wrong, and closes it when it is over."""

import time
from collections.abc import Callable
from datetime import timedelta

from django.db.models import F
from django.utils import timezone

from league import alerts, disk, halts, live, sweeper
from league.models import Competition, Stage

MISSED_FOR = timedelta(days=7)
MANY_WAITING = 15  # half a minute's tasks
GRACE_S = 60.0  # a start, or a worker that is started again, is no alarm

_wrong_since: dict[str, float] = {}


def look() -> None:
    for code, find in CONDITIONS.items():
        _note(code, find())


def _note(code: str, message: str) -> None:
    if not message:
        _wrong_since.pop(code, None)
        alerts.close_alert(code)
        return
    since = _wrong_since.setdefault(code, time.monotonic())
    if time.monotonic() - since >= GRACE_S:
        alerts.raise_alert(code, message)


def no_worker() -> str:
    if live.workers():
        return ""
    return "No evaluation worker has reported: nothing is played. Start one with `make worker`."


def no_box() -> str:
    found = live.box()
    if found.is_ready or found.level == live.UNKNOWN:
        return ""
    return f"Strangers' agents wait for a box. {found.reason} This mends it: {found.remedy}"


def training_silent() -> str:
    waiting = live.queue_depths().get("training", 0)
    if waiting < MANY_WAITING:
        return ""
    return (
        f"{waiting} tasks of training wait and none is taken: the bridge-worker has ended or hangs."
    )


def standstill() -> str:
    overdue = sweeper.overdue(timezone.now())
    if not overdue or halts.current():
        return ""
    oldest = overdue[0]
    return (
        f"{len(overdue)} matches or submissions have stood in one state for over ten minutes; "
        f"the oldest is {oldest['what']} ({oldest['state']})."
    )


def missed_final() -> str:
    """Competitions that closed lately before their field could be locked."""
    now = timezone.now()
    missed = Competition.objects.filter(
        closes_at__range=(now - MISSED_FOR, now), deadline__lt=F("closes_at")
    ).exclude(ladder__stage=Stage.FINAL)
    names = ", ".join(map(str, missed))
    return names and (
        f"The final evaluation did not take place before the end: {names}. What is shown is the "
        "open ladder. Move the end to a later date, and it begins."
    )


CONDITIONS: dict[str, Callable[[], str]] = {
    "disk_nearly_full": disk.problem,
    "no_worker": no_worker,
    "no_box": no_box,
    "training_silent": training_silent,
    "standstill": standstill,
    "missed_final": missed_final,
}

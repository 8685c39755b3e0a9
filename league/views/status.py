"""For the organiser at night: does anything wait that should not, since when, and what to do."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Min
from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from league import live, sweeper, words
from league.models import Attempt, EpisodeSeat, Match, Submission
from league.views.fragments import Request, render_live

# Longer than this in one state and somebody should look. The sweeper acts before.
STUCK_AFTER = {
    "submission": timedelta(minutes=5),
    "match": timedelta(minutes=5),
}
SILENT_AFTER = timedelta(seconds=30)


@dataclass(frozen=True)
class Waiting:
    """Rows in one open state: how many, and since when the oldest of them."""

    what: str
    state: str
    count: int
    oldest: datetime
    is_stuck: bool


@require_safe
def status(request: Request) -> HttpResponse:
    context = parts() | failures(timezone.now() - timedelta(days=1))
    context["waiting"] = waiting()
    context["overdue"] = sweeper.overdue(timezone.now())
    context["summary"] = summary(context)
    return render_live(request, "league/status.html", {"status": "league/_status.html"}, context)


def parts() -> dict[str, Any]:
    beat = live.scheduler_beat()
    box = live.box()
    return {
        "redis_ok": live.is_reachable(),
        "queues": live.queue_depths(),
        "workers": live.workers(),
        "box": box,
        "level_means": words.LEVELS.get(box.level, ""),
        "beat": beat,
        "beat_ok": beat is not None and timezone.now() - beat < SILENT_AFTER,
    }


def summary(found: dict[str, Any]) -> str:
    """The answer to the question with which the organiser opens the page."""
    if not found["redis_ok"]:
        return "Redis does not answer: nothing is played until it does. Nothing is lost."
    if not found["workers"]:
        return "No evaluation worker has reported: nothing is played until one does."
    if not found["beat_ok"]:
        return "The scheduler is silent: new matches are not planned and lost ones not found."
    if not found["box"].is_ready:
        return "House bots play; strangers' agents wait for a box that holds."
    if found["overdue"] or any(row.is_stuck for row in found["waiting"]):
        return "Everything runs, but something waits longer than it should."
    return "Everything runs."


def waiting() -> list[Waiting]:
    submissions = Submission.objects.filter(
        status__in=(Submission.Status.PENDING, Submission.Status.VALIDATING)
    )
    groups = [
        ("submission", submissions.order_by().values_list("status"), "status_since"),
        ("match", Match.objects.open().order_by().values_list("state"), "state_since"),
    ]
    return [
        Waiting(what, state.lower(), count, oldest, timezone.now() - oldest > STUCK_AFTER[what])
        for what, rows, since in groups
        for state, count, oldest in rows.annotate(Count("pk"), Min(since))
    ]


def failures(since: datetime) -> dict[str, Any]:
    """Agents' failures and our own faults by cause, the most frequent first."""
    verdicts = EpisodeSeat.objects.filter(episode__created__gte=since).exclude(verdict="")
    faults = Attempt.objects.filter(
        sent__gte=since, state__in=(Attempt.State.LOST, Attempt.State.FAILED)
    )
    causes = verdicts.order_by().values_list("verdict").annotate(count=Count("pk"))
    reasons = faults.order_by().values_list("reason").annotate(count=Count("pk"))
    by_cause = list(causes.order_by("-count"))
    return {
        "causes": by_cause,
        "most": max((count for _, count in by_cause), default=1),
        "faults": list(reasons.order_by("-count")[:20]),
        "aborted": Match.objects.filter(state=Match.State.ABORTED, ended__gte=since).count(),
    }

"""What runs, what waits and what failed, in plain data: for the organiser's page and the API."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.cache import cache
from django.db.models import CharField, Count, F, Min, Q
from django.db.models.functions import Cast, Substr
from django.utils import timezone

from league import disk, live
from league.models import (
    Attempt,
    AuditEntry,
    Competition,
    Episode,
    EpisodeSeat,
    Halt,
    Match,
    Submission,
)

# Longer than this in one state and somebody should look. The sweeper acts before.
STUCK_AFTER = timedelta(minutes=5)
SILENT_AFTER = timedelta(seconds=30)
DAY = timedelta(days=1)
HOURS = 24
DAY_KEPT_S = 30
FAULTS_SHOWN = 20


@dataclass(frozen=True)
class Waiting:
    """Rows of one kind in one open state: how many, and since when the oldest of them.

    Those of a paused competition stand apart: they are meant to wait.
    """

    kind: str
    state: str
    is_paused: bool
    count: int
    oldest: datetime

    @property
    def is_stuck(self) -> bool:
        return not self.is_paused and timezone.now() - self.oldest > STUCK_AFTER


def waiting() -> list[Waiting]:
    """Two queries; submissions before their matches."""
    submissions = Submission.objects.undecided()
    paused = "competition__is_paused"
    by_status = submissions.order_by().values_list("status", paused)
    by_kind = Match.objects.open().order_by().values_list("purpose", "state", paused)
    rows = [("submission", *row) for row in by_status.annotate(Count("pk"), Min("status_since"))]
    rows += [
        (kind_of(purpose), *row)
        for purpose, *row in by_kind.annotate(Count("pk"), Min("state_since"))
    ]
    return [
        Waiting(kind, state.lower(), is_paused, count, oldest)
        for kind, state, is_paused, count, oldest in rows
    ]


def kind_of(purpose: str) -> str:
    return "rated match" if purpose == Match.Purpose.RATED else "validation match"


@dataclass(frozen=True)
class Throughput:
    """Episodes of a competition in each of the last 24 hours, the oldest first."""

    competition: Competition
    hours: list[int]

    @property
    def today(self) -> int:
        return sum(self.hours)

    @property
    def last_hour(self) -> int:
        return self.hours[-1]

    @property
    def busiest(self) -> int:
        return max(self.hours)


@dataclass(frozen=True)
class Day:
    """The last 24 hours. causes: agents' failures by verdict; faults: ours by reason."""

    causes: list[tuple[str, int]]
    faults: list[tuple[str, int]]
    aborted: int
    hours: dict[int, list[int]]
    backup: datetime | None

    @property
    def most(self) -> int:
        """Of the failures with one cause."""
        return max((count for _, count in self.causes), default=1)

    def throughput(self, competitions: Sequence[Competition]) -> list[Throughput]:
        """Of those that are played, and of those that were."""
        nothing = [0] * HOURS
        return [Throughput(each, self.hours.get(each.pk, nothing)) for each in competitions]


def day() -> Day:
    """Kept for half a minute: counting reads all rows of a day, and the page asks every 5 s."""
    found: dict[str, Any] = cache.get_or_set("status-day", _count_day, DAY_KEPT_S) or _count_day()
    return Day(
        causes=[(cause, count) for cause, count in found["causes"]],
        faults=[(reason, count) for reason, count in found["faults"]],
        aborted=found["aborted"],
        hours={int(pk): counts for pk, counts in found["hours"].items()},
        backup=datetime.fromisoformat(found["backup"]) if found["backup"] else None,
    )


def _count_day() -> dict[str, Any]:
    since = timezone.now() - DAY
    verdicts = EpisodeSeat.objects.filter(episode__created__gte=since).exclude(verdict="")
    lost = (Attempt.State.LOST, Attempt.State.FAILED)
    faults = Attempt.objects.filter(sent__gte=since, state__in=lost).order_by()
    backup = AuditEntry.objects.filter(action="backup").values_list("created", flat=True).first()
    causes = verdicts.order_by().values_list("verdict").annotate(count=Count("pk"))
    reasons = faults.values_list("reason").annotate(count=Count("pk"))
    return {
        "causes": list(causes.order_by("-count")),
        "faults": list(reasons.order_by("-count")[:FAULTS_SHOWN]),
        "aborted": Match.objects.filter(state=Match.State.ABORTED, ended__gte=since).count(),
        "hours": {str(pk): counts for pk, counts in _hours(timezone.now()).items()},
        "backup": backup.isoformat() if backup else None,
    }


def _hours(now: datetime) -> dict[int, list[int]]:
    """Episodes by competition, in 24 buckets that end with the present hour: one query.

    The hour is cut from the time's text, which databases write alike: to truncate it, SQLite
    calls Python once a row.
    """
    first = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0) - DAY
    first += timedelta(hours=1)
    hour = Substr(Cast(F("created"), CharField()), 1, len("2026-11-21 09"))
    rows = Episode.objects.filter(created__gte=first).order_by().annotate(hour=hour)
    counted = rows.values_list("match__competition_id", "hour").annotate(Count("pk"))
    buckets: dict[int, list[int]] = defaultdict(lambda: [0] * HOURS)
    for competition, text, count in counted:
        begin = datetime.strptime(text, "%Y-%m-%d %H").replace(tzinfo=UTC)
        place = int((begin - first) / timedelta(hours=1))
        buckets[competition][min(max(place, 0), HOURS - 1)] += count
    return buckets


def watched_competitions(now: datetime) -> list[Competition]:
    """Those that are played, and those that ended within a day."""
    return list(
        Competition.objects.filter(opens_at__lte=now).filter(
            Q(closes_at=None) | Q(closes_at__gt=now - DAY)
        )
    )


@dataclass(frozen=True)
class Parts:
    """What the league consists of, and whether it answers."""

    redis_ok: bool
    queues: dict[str, int]
    workers: list[live.WorkerReport]
    box: live.BoxReport
    beat: datetime | None

    @property
    def beat_ok(self) -> bool:
        return self.beat is not None and timezone.now() - self.beat < SILENT_AFTER

    @property
    def drained(self) -> int:
        return sum(not worker.is_current for worker in self.workers)


def parts() -> Parts:
    return Parts(
        redis_ok=live.is_reachable(),
        queues=live.queue_depths(),
        workers=live.workers(),
        box=live.box(),
        beat=live.scheduler_beat(),
    )


@dataclass(frozen=True)
class Budget:
    """What one kind of files takes (None: nobody has looked yet), and may take (0: no limit)."""

    kind: str
    used_bytes: int | None
    budget_bytes: int


@dataclass(frozen=True)
class Disk:
    free_bytes: int
    is_nearly_full: bool
    budgets: list[Budget]


def disk_use() -> Disk:
    """The free space is asked for now; what files take was added up some minutes ago."""
    return Disk(
        free_bytes=disk.free_bytes(),
        is_nearly_full=disk.is_nearly_full(),
        budgets=[
            Budget(kind, disk.used_bytes(kind), disk.budget_bytes(kind)) for kind in disk.KINDS
        ],
    )


def summary(found: Parts, stop: Halt | None, is_late: bool, disk_full: bool) -> str:
    """The answer to the question with which the organiser opens the page."""
    answers = (
        (not found.redis_ok, "Redis does not answer: nothing is played until it does. Nothing is "
         "lost."),
        (stop is not None, "Everything is stopped: no match is sent out until somebody lifts it."),
        (disk_full, "The disk is nearly full: no match is sent out until there is room."),
        (not found.workers, "No evaluation worker has reported: nothing is played until one does."),
        (found.drained == len(found.workers), "All evaluation workers run another version of the "
         "code and are drained: restart them."),
        (not found.beat_ok, "The scheduler is silent: new matches are not planned and lost ones "
         "not found."),
        (not found.box.is_ready, "House bots play; strangers' agents wait for a box that holds."),
        (is_late, "Everything runs, but something waits longer than it should."),
    )  # fmt: skip
    return next((sentence for holds, sentence in answers if holds), "Everything runs.")

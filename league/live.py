"""What Redis knows of the running league: workers, queues, leases. None of it is kept for ever."""

import base64
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, cast

import redis
from django.conf import settings
from pydantic import BaseModel, Field, ValidationError

from evaluation import broker
from evaluation.version import code_version

DEFAULT_QUEUE = "league"
QUEUES = (*broker.QUEUES, DEFAULT_QUEUE, "training")
LEVELS = ("A", "B", "C", "none")  # of isolation, the strongest first
UNKNOWN = "unknown"
BEAT_KEY = "palaestra:beat"
Scalar = str | int | float | None
PATHS = {"bwrap"}  # of the details of a box: for staff only


class WorkerReport(BaseModel):
    """What a worker says of itself: data of another trust zone, perhaps of another version."""

    name: str
    version: str
    concurrency: int = Field(ge=0, le=1024)
    level: str
    has_box: bool
    reason: str
    remedy: str
    last_beat: datetime = Field(validation_alias="beat")
    minimum: str = ""
    drains: str = ""
    checks: dict[str, bool] = {}
    details: dict[str, Any] = {}

    @property
    def is_current(self) -> bool:
        """Whether it runs the league's own code: another one is drained and gets no matches."""
        return self.version == code_version()

    @property
    def facts(self) -> dict[str, Scalar]:
        """The details that are one value each and that everybody may read: kernel, Landlock ABI,
        bubblewrap's version and the like, but no path of this machine."""
        return {
            name: value
            for name, value in self.details.items()
            if isinstance(value, Scalar) and name not in PATHS
        }


@dataclass(frozen=True)
class BoxReport:
    """Whether strangers' agents can play, on any worker; if not, why and what mends it.

    level: the weakest at which they do play. minimum: the weakest at which they may.
    """

    is_ready: bool
    level: str
    minimum: str
    reason: str = ""
    remedy: str = ""


@lru_cache(maxsize=4)
def _client(url: str) -> "redis.Redis":
    return broker.connect(url)


def client() -> "redis.Redis":
    return _client(settings.REDIS_URL)


def is_reachable() -> bool:
    try:
        return bool(settings.REDIS_URL) and bool(client().ping())
    except redis.RedisError:
        return False


def workers() -> list[WorkerReport]:
    """The evaluation workers that reported within the last seconds; empty when Redis is away."""
    try:
        bodies = broker.read_workers(client())
    except (redis.RedisError, ValueError):
        return []
    return [report for body in bodies if (report := _report(body))]


def _report(body: str) -> WorkerReport | None:
    try:
        return WorkerReport.model_validate_json(body)
    except ValidationError:
        return None


def queue_depths() -> dict[str, int]:
    """Messages that wait, by queue."""
    try:
        return {queue: int(client().llen(queue)) for queue in QUEUES}
    except redis.RedisError:
        return {}


def weakness(level: str) -> int:
    """From 0 for "A"; what is no level holds nothing."""
    return LEVELS.index(level) if level in LEVELS else len(LEVELS) - 1


def box() -> BoxReport:
    """The box as all workers together report it."""
    reports = workers()
    minimum = _minimum(reports)
    ready = [report for report in reports if report.has_box and report.is_current]
    if ready:
        return BoxReport(True, max((report.level for report in ready), key=weakness), minimum)
    if not reports:
        reason = "No evaluation worker has reported."
        return BoxReport(False, UNKNOWN, minimum, reason, "make worker")
    worst = next((report for report in reports if not report.has_box), None)
    if worst is None:
        reason = "All evaluation workers run other code than the league."
        return BoxReport(False, reports[0].level, minimum, reason, "make worker")
    return BoxReport(False, worst.level, minimum, worst.reason, worst.remedy)


def minimum() -> str:
    """The weakest level that somebody has named for strangers' agents, here or for a worker."""
    return _minimum(workers())


def _minimum(reports: list[WorkerReport]) -> str:
    named = [report.minimum for report in reports if report.minimum in LEVELS]
    return max([settings.SANDBOX_MINIMUM, *named], key=weakness)


def blocked_by() -> str:
    """Why no worker that is there can box a stranger's agent; empty if one can."""
    found = box()
    return "" if found.is_ready or found.level == UNKNOWN else found.reason or "No box holds."


def concurrency() -> int:
    """Matches that can be played at once; 1 while no worker has reported."""
    return sum(report.concurrency for report in workers() if report.is_current) or 1


def lease_states(attempt_ids: list[int]) -> dict[int, tuple[str | None, str | None]]:
    """By attempt: who claimed it, and its lease (playing, finished or none). May raise."""
    if not attempt_ids:
        return {}
    keys = [broker.claim_key(i) for i in attempt_ids] + [broker.lease_key(i) for i in attempt_ids]
    values = cast("list[str | None]", client().mget(keys))
    half = len(attempt_ids)
    return dict(zip(attempt_ids, zip(values[:half], values[half:], strict=True), strict=True))


def queued_attempts() -> set[int]:
    """The attempts whose messages wait in a queue. May raise."""
    bodies = [str(body) for queue in broker.QUEUES for body in client().lrange(queue, 0, -1)]
    return {found for body in bodies if (found := _attempt_in(body)) is not None}


def _attempt_in(message: str) -> int | None:
    """What a message of Celery's protocol 2 asks to be played; None where it is none of ours."""
    try:
        args, _, _ = json.loads(base64.b64decode(json.loads(message)["body"]))
        return int(args[0]["attempt"])
    except (ValueError, TypeError, LookupError):
        return None


def mark_beat() -> None:
    """Called by a task of the scheduler: proves that beat and the league worker both live."""
    broker.expect_version(client(), code_version())
    client().set(BEAT_KEY, str(datetime.now(UTC).timestamp()), ex=3600)


def scheduler_beat() -> datetime | None:
    try:
        value = client().get(BEAT_KEY)
        return datetime.fromtimestamp(float(value), UTC) if value else None
    except (redis.RedisError, ValueError, OverflowError):
        return None

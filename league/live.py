"""What Redis knows of the running league: workers, queues, leases. None of it is kept for ever."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import cast

import redis
from django.conf import settings
from pydantic import BaseModel, Field, ValidationError

from evaluation import broker

QUEUES = (*broker.QUEUES, "league")
BEAT_KEY = "palaestra:beat"


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
    checks: dict[str, bool] = {}


@dataclass(frozen=True)
class BoxReport:
    """Whether strangers' agents can play, on any worker; if not, why and what mends it."""

    is_ready: bool
    level: str
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


def box() -> BoxReport:
    reports = workers()
    best = next((report for report in reports if report.has_box), None)
    if best:
        return BoxReport(True, best.level)
    if not reports:
        return BoxReport(False, "unknown", "No evaluation worker has reported.", "make worker")
    worst = reports[0]
    return BoxReport(False, worst.level, worst.reason, worst.remedy)


def is_blocked() -> bool:
    """Workers are there, but none of them can box a stranger's agent."""
    reports = workers()
    return bool(reports) and not any(report.has_box for report in reports)


def concurrency() -> int:
    return sum(report.concurrency for report in workers()) or 1


def lease_states(attempt_ids: list[int]) -> dict[int, tuple[str | None, str | None]]:
    """By attempt: who claimed it, and its lease (playing, finished or none). May raise."""
    if not attempt_ids:
        return {}
    keys = [broker.claim_key(i) for i in attempt_ids] + [broker.lease_key(i) for i in attempt_ids]
    values = cast("list[str | None]", client().mget(keys))
    half = len(attempt_ids)
    return dict(zip(attempt_ids, zip(values[:half], values[half:], strict=True), strict=True))


def mark_beat() -> None:
    """Called by a task of the scheduler: proves that beat and the league worker both live."""
    client().set(BEAT_KEY, str(datetime.now(UTC).timestamp()), ex=3600)


def scheduler_beat() -> datetime | None:
    try:
        value = client().get(BEAT_KEY)
        return datetime.fromtimestamp(float(value), UTC) if value else None
    except (redis.RedisError, ValueError, OverflowError):
        return None

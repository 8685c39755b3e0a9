"""What runs, what waits and what failed: the status page for programs."""

from datetime import datetime

from django.utils import timezone
from ninja import Router
from pydantic import BaseModel, Field

from league import alerts, halts, status, sweeper
from league.api.auth import ApiRequest
from league.api.routing import PUBLIC, answers

router = Router(tags=["status"])


class AlertOut(BaseModel):
    code: str
    target: str
    message: str
    count: int
    raised: datetime
    last_seen: datetime


class WaitingOut(BaseModel):
    kind: str = Field(description="submission, validation match or rated match")
    state: str
    is_paused: bool = Field(description="Of a paused competition: meant to wait.")
    count: int
    oldest: datetime = Field(description="Since when the oldest of them is in this state.")


class WorkerOut(BaseModel):
    name: str
    version: str
    is_current: bool = Field(description="If not, it runs another version and is drained.")
    concurrency: int
    level: str
    has_box: bool
    last_beat: datetime


class CountOut(BaseModel):
    cause: str
    count: int


class ThroughputOut(BaseModel):
    competition: str
    is_paused: bool
    episodes: list[int] = Field(description="In each of the last 24 hours, the present one last.")


class DiskOut(BaseModel):
    kind: str
    used_bytes: int | None = Field(description="Some minutes ago; null before the first look.")
    budget_bytes: int = Field(description="0 for no limit.")


class StatusOut(BaseModel):
    summary: str
    stopped: str | None = Field(description="Why all is stopped; null while it is not.")
    alerts: list[AlertOut]
    queues: dict[str, int] = Field(description="Messages that wait, the first served first.")
    waiting: list[WaitingOut]
    workers: list[WorkerOut]
    failures: list[CountOut] = Field(description="Of agents in 24 hours, by verdict.")
    faults: list[CountOut] = Field(description="Of ours in 24 hours, by reason.")
    given_up: int = Field(description="Matches given up in 24 hours.")
    throughput: list[ThroughputOut]
    disk_free_bytes: int
    disk: list[DiskOut]
    last_backup: datetime | None


@router.get("", response=answers(ok=StatusOut), **PUBLIC)
def get_status(request: ApiRequest) -> StatusOut:
    """How the league is; what `/status/` shows."""
    now = timezone.now()
    found, waiting, day, disk = status.parts(), status.waiting(), status.day(), status.disk_use()
    stop = halts.current()
    is_late = bool(sweeper.overdue(now)) or any(row.is_stuck for row in waiting)
    return StatusOut(
        summary=status.summary(found, stop, is_late, disk.is_nearly_full),
        stopped=stop.reason if stop else None,
        alerts=[AlertOut.model_validate(a, from_attributes=True) for a in alerts.open_alerts()],
        queues=found.queues,
        waiting=[WaitingOut.model_validate(row, from_attributes=True) for row in waiting],
        workers=[WorkerOut.model_validate(each, from_attributes=True) for each in found.workers],
        failures=[CountOut(cause=cause, count=count) for cause, count in day.causes],
        faults=[CountOut(cause=reason, count=count) for reason, count in day.faults],
        given_up=day.aborted,
        throughput=[
            ThroughputOut(
                competition=row.competition.slug,
                is_paused=row.competition.is_paused,
                episodes=row.hours,
            )
            for row in day.throughput(status.watched_competitions(now))
        ],
        disk_free_bytes=disk.free_bytes,
        disk=[DiskOut.model_validate(budget, from_attributes=True) for budget in disk.budgets],
        last_backup=day.backup,
    )

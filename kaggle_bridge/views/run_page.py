"""What the page of a run shows, each part read when a template asks for it."""

import json
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from django.utils import timezone

from kaggle_bridge import charts, entrants, overview, series, words
from kaggle_bridge.changes import Change, changes
from kaggle_bridge.models import (
    Account,
    Checkpoint,
    Metric,
    RunState,
    Session,
    TrainingRun,
)
from league.models import Entrant, Submission

LOG_LINES = 200
TABLE_ROWS = 40
EVENT = "palaestra: {"  # a line for programs


@dataclass(frozen=True)
class Quota:
    """Of an accelerator, in hours."""

    accelerator: str
    used_h: float
    total_h: float
    resets_at: datetime | None

    @property
    def left_h(self) -> float:
        return max(self.total_h - self.used_h, 0.0)


class RunPage:
    def __init__(self, run: TrainingRun) -> None:
        self.run = run

    # Where it stands

    @cached_property
    def sessions(self) -> list[Session]:
        rows = self.run.sessions.select_related("resume").defer("log", "resume__manifest")
        return list(rows)

    @property
    def session(self) -> Session | None:
        return self.sessions[-1] if self.sessions else None

    @property
    def is_moving(self) -> bool:
        """Whether something may happen by itself."""
        return self.run.state in TrainingRun.ACTIVE and not self.run.is_over

    @cached_property
    def sentence(self) -> str:
        return words.standing(self.run, self.session, self._left_s)

    @property
    def _left_s(self) -> float | None:
        newest = Metric.objects.filter(run=self.run).order_by("-step")
        return overview.left_s(self.run, newest.values_list("values", flat=True).first())

    @property
    def is_tried_later(self) -> bool:
        return bool(self.run.troubles) and self.run.due_at > timezone.now()

    @property
    def next_step(self) -> str:
        return words.next_step(self.run, self.newest_checkpoint)

    @property
    def bar(self) -> charts.Bar:
        return charts.bar(self.run, [each.step for each in self.checkpoints], self.sessions)

    @property
    def can_be_cancelled(self) -> bool:
        return self.run.state in (RunState.DRAFT, *TrainingRun.TRAINING)

    @property
    def can_be_retried(self) -> bool:
        return self.run.state in (RunState.FAILED, RunState.CANCELLED)

    @property
    def has_all_steps(self) -> bool:
        newest = self.newest_checkpoint
        return newest is not None and newest.step >= self.run.total_steps

    # What it has left

    @cached_property
    def checkpoints(self) -> list[Checkpoint]:
        rows = self.run.checkpoints.select_related(
            "session", "submission__team", "submission__competition", "submission__entrant__rating"
        )
        return list(rows.defer("manifest", "session__log"))

    @property
    def newest_checkpoint(self) -> Checkpoint | None:
        return self.checkpoints[-1] if self.checkpoints else None

    @cached_property
    def entered(self) -> list[overview.Entered]:
        """Those that have played."""
        return [
            overview.Entered(each.checkpoint, each.rating)
            for each in entrants.standing(self.run)
            if each.rating and each.rating.matches
        ]

    @property
    def is_climbing(self) -> bool:
        """Whether ratings, or what is to get one, still change."""
        playing = {*Submission.UNDECIDED, Submission.Status.ACTIVE}
        found = (each.submission for each in self.checkpoints)
        return self.is_moving or any(s is not None and s.status in playing for s in found)

    @property
    def last_step(self) -> int:
        """The right end of all charts."""
        return max(self.run.total_steps, self.run.step)

    @cached_property
    def curve(self) -> charts.Curve | None:
        rated = [(each.checkpoint, each.rating) for each in self.entered]
        return charts.curve(rated, self._house_bots(), self.last_step) if rated else None

    def _house_bots(self) -> list[Entrant]:
        rows = Entrant.objects.playing().filter(
            competition=self.run.competition_id, submission__team__is_house=True
        )
        return list(rows.select_related("submission", "rating"))

    # Metrics

    @cached_property
    def _metrics(self) -> series.Metrics:
        return series.read(self.run)

    @cached_property
    def _series(self) -> tuple[list[series.Series], list[series.Series]]:
        return series.split(self._metrics.by_name, self.run.facts)

    @cached_property
    def first_charts(self) -> list[charts.LineChart]:
        return [charts.line_chart(each, self.last_step) for each in self._series[0]]

    @cached_property
    def more_charts(self) -> list[charts.LineChart]:
        return [charts.line_chart(each, self.last_step) for each in self._series[1]]

    @property
    def metric_names(self) -> list[str]:
        return [each.name for each in self._series[0]]

    @property
    def metric_rows(self) -> list[tuple[int, list[str]]]:
        """What the first charts show, the newest first."""
        rows = self._metrics.table(self.metric_names, TABLE_ROWS)
        return [(step, [_cell(value) for value in values]) for step, values in reversed(rows)]

    # The session's own words

    @property
    def log(self) -> str:
        """The end of the newest log, without the lines that are meant for programs."""
        log = self.run.sessions.order_by("-number").values_list("log", flat=True).first() or ""
        lines = [line for line in log.splitlines() if not line.startswith(EVENT)]
        return "\n".join(lines[-LOG_LINES:])

    # Where it runs, and from what

    @cached_property
    def account(self) -> Account | None:
        return Account.objects.filter(backend=self.run.backend).first()

    @property
    def quotas(self) -> list[Quota]:
        found = self.account.quota if self.account else {}
        return [_quota(name, told) for name, told in found.items() if told.get("total_s")]

    @property
    def changes(self) -> list[Change]:
        return changes(self.run)

    @property
    def config(self) -> str:
        return json.dumps(self.run.resolved, indent=2, ensure_ascii=False)

    @property
    def hashed_sessions(self) -> list[Session]:
        return [each for each in self.sessions if each.source_hash or each.kernel_sha256]


def _cell(value: float | None) -> str:
    return "" if value is None else charts.number(value)


def _quota(name: str, told: dict[str, Any]) -> Quota:
    resets = told.get("resets_at")
    return Quota(
        accelerator=name.upper(),
        used_h=float(told.get("used_s") or 0) / 3600,
        total_h=float(told["total_s"]) / 3600,
        resets_at=datetime.fromisoformat(resets) if resets else None,
    )

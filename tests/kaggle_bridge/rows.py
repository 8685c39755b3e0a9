"""Rows of training as the verbs leave them."""

from typing import Any

from django.utils import timezone

from kaggle_bridge.models import Checkpoint, Metric, TrainingRun


def make_run(state: str = "RUNNING", **fields: Any) -> TrainingRun:
    defaults = {
        "preset": "tictactoe",
        "config": {"seed": 3},
        "resolved": {"evaluate_interval": 50_000},
        "total_steps": 300_000,
        "backend": "local",
        "session_s": 3600,
    }
    return TrainingRun.objects.create(state=state, **(defaults | fields))


def add_session(run: TrainingRun, state: str = "RUNNING", **fields: Any) -> Any:
    number = run.sessions.count() + 1
    defaults = {"token": f"token-{run.pk}-{number}", "started": timezone.now()}
    return run.sessions.create(number=number, state=state, **(defaults | fields))


def add_checkpoint(run: TrainingRun, step: int, **fields: Any) -> Checkpoint:
    defaults = {"sha256": f"{run.pk:032x}{step:032x}", "size_bytes": 100}
    return Checkpoint.objects.create(run=run, step=step, **(defaults | fields))


def add_metrics(run: TrainingRun, lines: dict[int, dict[str, Any]]) -> None:
    Metric.objects.bulk_create(
        Metric(run=run, step=step, values=values) for step, values in lines.items()
    )

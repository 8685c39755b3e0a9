"""Alerts about runs: raised once each, closed when it is over."""

from kaggle_bridge.models import TrainingRun
from league import alerts


def trouble(run: TrainingRun, problem: str) -> None:
    alerts.raise_alert("training_trouble", f"{run}: {problem}", _target(run))


def failed(run: TrainingRun) -> None:
    alerts.close_alert("training_trouble", _target(run))
    alerts.raise_alert("training_failed", f"{run}: {run.error}", _target(run))


def well_again(run: TrainingRun) -> None:
    for code in ("training_trouble", "training_failed"):
        alerts.close_alert(code, _target(run))


def _target(run: TrainingRun) -> str:
    return f"run {run.pk}"

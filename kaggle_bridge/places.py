"""The backends by name, as this process may use them."""

import os
from pathlib import Path

from django.conf import settings

from kaggle_bridge.backend import Backend as Place
from kaggle_bridge.backends.kaggle import KaggleBackend
from kaggle_bridge.backends.local import LocalBackend
from kaggle_bridge.models import Backend, TrainingRun

CALLS_A_LOOK = 3  # status, log, and now and then the output


def place(name: str) -> Place:
    return LocalBackend(Path(settings.DATA_DIR)) if name == Backend.LOCAL else kaggle()


def kaggle() -> KaggleBackend:
    per_minute = settings.TRAINING_CALLS_PER_MINUTE
    found = KaggleBackend(Path(settings.DATA_DIR), dict(os.environ), per_minute)
    # So many runs at once that they would use up each minute's calls are looked at less often.
    runs = TrainingRun.objects.filter(state__in=TrainingRun.TRAINING, backend=Backend.KAGGLE)
    found.poll_s = max(
        settings.TRAINING_POLL_SECONDS, 60 * CALLS_A_LOOK * runs.count() / per_minute
    )
    return found

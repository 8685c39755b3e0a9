"""The backends by name, as this process may use them."""

import os
from pathlib import Path

from django.conf import settings

from kaggle_bridge.backends.base import Backend as Place
from kaggle_bridge.backends.kaggle import KaggleBackend
from kaggle_bridge.backends.local import LocalBackend
from kaggle_bridge.models import Backend


def place(name: str) -> Place:
    data_dir = Path(settings.DATA_DIR)
    if name == Backend.LOCAL:
        return LocalBackend(data_dir)
    return KaggleBackend(data_dir, dict(os.environ), settings.TRAINING_CALLS_PER_MINUTE)

"""What runs at Kaggle need: the service, and the client's variables in this process."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.kaggle_bridge import course
from tests.kaggle_service import KaggleService


@pytest.fixture
def serve(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> Iterator[Callable[..., KaggleService]]:
    """Starts a service that acts by a plan; this process is then its client."""
    settings.DATA_DIR = tmp_path / "data"
    settings.DATA_DIR.mkdir()
    settings.TRAINING_POLL_SECONDS = 1
    settings.TRAINING_CALLS_PER_MINUTE = 600
    with ExitStack() as stack:

        def start(*plan: str, **options: Any) -> KaggleService:
            service = stack.enter_context(course.serving(tmp_path, plan or ("all",), **options))
            for name, value in service.environ("alice").items():
                monkeypatch.setenv(name, value)
            return service

        yield start

"""Where files lie for the length of one deed; what a killed process leaves there is tidied."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from django.conf import settings


def root() -> Path:
    """For its owner only; made where it is missing."""
    found = Path(settings.DATA_DIR) / "training" / "output"
    found.mkdir(parents=True, exist_ok=True, mode=0o700)
    return found


@contextmanager
def folder(prefix: str) -> Iterator[Path]:
    with TemporaryDirectory(prefix=prefix, dir=root()) as name:
        yield Path(name)

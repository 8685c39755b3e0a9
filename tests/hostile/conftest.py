"""What the tests of strangers' code share."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that an ordinary user can enter, unlike pytest's own; short enough for sockets."""
    folder = Path(tempfile.mkdtemp(prefix="palaestra-hostile-"))
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder)

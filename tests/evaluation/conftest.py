"""A server for the tests of a module, and files with agents."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.evaluation.serving import ServerProcess


@pytest.fixture(scope="module")
def serving() -> Iterator[ServerProcess]:
    process = ServerProcess()
    yield process
    process.close()


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., str]:
    """Writes an agent's source into a file; its path."""

    def write(source: str, name: str = "agent.py") -> str:
        path = tmp_path / name
        path.write_text(source)
        return str(path)

    return write

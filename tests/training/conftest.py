"""Runs that others are compared with, made once."""

from pathlib import Path

import pytest

from tests.training import toy_runs


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of compiled programs for the processes of a session."""
    return tmp_path_factory.mktemp("compiled")


@pytest.fixture(scope="session")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the toy task that was never cut."""
    out = tmp_path_factory.mktemp("toy") / "reference"
    assert toy_runs.train_here(out) == 0
    return out

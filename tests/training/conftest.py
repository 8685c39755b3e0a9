"""Runs that others are compared with, made once."""

from collections.abc import Iterator
from pathlib import Path

import jax
import pytest

from tests.training import tiny, toy_runs
from training.program import Program


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


@pytest.fixture(scope="session")
def tiny_reference(tmp_path_factory: pytest.TempPathFactory, compiled: Path) -> Path:
    """A run of the smallest self-play that was never cut."""
    out = tmp_path_factory.mktemp("tiny") / "reference"
    assert tiny.train_here(out, compiled) == 0
    return out


@pytest.fixture(scope="session")
def tiny_program(compiled: Path) -> Program:
    """The smallest self-play, compiled."""
    with tiny.caching(compiled):
        return tiny.program()


@pytest.fixture(scope="module")
def unoptimised() -> Iterator[None]:
    """Compiles in half the time what computes the same, slowly: for tests of small cases."""
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)

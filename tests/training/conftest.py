"""Runs that others are compared with, made once."""

from collections.abc import Iterator
from pathlib import Path

import jax
import pytest

from tests.training import tiny, toy_runs


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
    return _uncut(tmp_path_factory, compiled, optimised=False)


@pytest.fixture(scope="session")
def optimised_reference(tmp_path_factory: pytest.TempPathFactory, compiled: Path) -> Path:
    """The same as people run it."""
    return _uncut(tmp_path_factory, compiled, optimised=True)


def _uncut(factory: pytest.TempPathFactory, compiled: Path, optimised: bool) -> Path:
    out = factory.mktemp("tiny") / "reference"
    run = tiny.Process(out, compiled, optimised=optimised)
    assert run.code() == 0, run.log.read_text()
    return out


@pytest.fixture(scope="module")
def unoptimised() -> Iterator[None]:
    """Compiles in half the time what computes the same, slowly: for tests of small cases."""
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)

"""Runs that others are compared with, made once."""

import fcntl
import os
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
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of all processes of a test session: what the first of them makes, the others use."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "tiny"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def tiny_compiled(tiny_folder: Path) -> Path:
    """A folder of the programs that runs of the smallest self-play have compiled."""
    return tiny_folder / "compiled"


@pytest.fixture(scope="session")
def tiny_reference(tiny_folder: Path, tiny_compiled: Path) -> Path:
    """A run of the smallest self-play that was never cut."""
    return _uncut(tiny_folder / "reference", tiny_compiled, optimised=False)


@pytest.fixture(scope="session")
def optimised_reference(tiny_folder: Path, tiny_compiled: Path) -> Path:
    """The same as people run it."""
    return _uncut(tiny_folder / "optimised", tiny_compiled, optimised=True)


def _uncut(out: Path, compiled: Path, optimised: bool) -> Path:
    with out.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (out / "summary.json").exists():
            run = tiny.Process(out, compiled, optimised=optimised)
            assert run.code() == 0, run.log.read_text()
    return out


@pytest.fixture(scope="module")
def unoptimised() -> Iterator[None]:
    """Compiles in half the time what computes the same, slowly: for tests of small cases."""
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)

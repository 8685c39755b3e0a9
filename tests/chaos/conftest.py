"""A league of its own for each test, on SQLite or on a PostgreSQL of this test process's own."""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from league.run.family import PR_SET_CHILD_SUBREAPER
from tests.chaos.league import League
from tests.postgres import Cluster, require_programs
from tests.processes import descendants_of, is_running
from tests.stack import wait_for


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    cluster = Cluster(require_programs())
    yield cluster
    cluster.close()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.slow)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/league.sqlite3"
    cluster: Cluster = request.getfixturevalue("cluster")
    return cluster.create(f"league-{os.urandom(4).hex()}")


@pytest.fixture
def empty_league(database_url: str, tmp_path: Path, django_db_blocker) -> Iterator[League]:
    """A league of which nothing runs yet; at the end nothing of it may be left."""
    with django_db_blocker.unblock(), no_process_left():
        league = League(tmp_path, database_url)
        try:
            yield league
        finally:
            league.close()


@pytest.fixture
def league(empty_league: League) -> League:
    """A league that runs, with people who have not sent anything in yet."""
    empty_league.tokens = empty_league.populate("tests.chaos.populate")
    empty_league.start()
    return empty_league


@contextmanager
def no_process_left() -> Iterator[None]:
    """Whatever is started in the body and loses its parent becomes ours, and must have ended."""
    before = {*descendants_of(os.getpid())}
    _adopt_orphans(True)
    try:
        yield
        wait_for(lambda: not _running_besides(before), 20, "every process of the league to end")
    finally:
        _adopt_orphans(False)
        _bury(before)


def _adopt_orphans(value: bool) -> None:
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, int(value))


def _running_besides(before: set[int]) -> list[int]:
    return [pid for pid in descendants_of(os.getpid()) if pid not in before and is_running(pid)]


def _bury(before: set[int]) -> None:
    for pid in {*descendants_of(os.getpid())} - before:
        with suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)

"""The league's own tests once more, on PostgreSQL: what its locks and transactions promise."""

import os
import subprocess
import sys

import pytest

from tests.postgres import Cluster, require_programs
from tests.processes import descendants_of, is_running
from tests.stack import PROJECT

# What stands on rows being locked, counted and written once, as far as it takes seconds.
CONCURRENT = (
    "test_at_once.py",
    "test_limits.py",
    "test_matches.py",
    "test_matchmaking.py",
    "test_mergers.py",
    "test_outbox.py",
    "test_submissions.py",
    "api/test_api_idempotency.py",
)
ONLY_SQLITE = "tests/league/test_backup.py"  # of a server its own tools make backups


def run_tests(cluster: Cluster, *words: str) -> None:
    """A pytest of its own, since a process has one database."""
    url = cluster.create(f"tests-{os.urandom(4).hex()}")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:xdist", *words],
        cwd=PROJECT, env=os.environ | {"TEST_DATABASE_URL": url}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-5000:]


@pytest.mark.timeout(300)
def test_rules_that_need_locks_hold_on_postgres(cluster: Cluster) -> None:
    run_tests(cluster, "-m", "not slow", *(f"tests/league/{name}" for name in CONCURRENT))


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_all_of_the_league_holds_on_postgres(cluster: Cluster) -> None:
    run_tests(cluster, "-m", "not slow", "tests/league", f"--ignore={ONLY_SQLITE}")


def test_cluster_leaves_nothing_behind() -> None:
    cluster = Cluster(require_programs())
    below = {cluster.process.pid, *descendants_of(cluster.process.pid)}
    cluster.close()
    assert not cluster.folder.exists()
    assert not any(map(is_running, below))

"""Workers whose code is not the league's: they take nothing, finish what they play, start anew."""

import base64
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection

import evaluation
from evaluation import broker
from evaluation.version import code_version
from league import live
from league.models import Attempt, Match
from tests.factories import make_competition, make_house_bots, send_match
from tests.stack import Stack, database_url, wait_for

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(120),
    pytest.mark.slow,
]
ENGINE = Path(evaluation.__file__).parent
OTHER = "\n# Another release.\n"


@pytest.fixture
def stack(redis_server: Stack) -> Iterator[Stack]:
    """The league's own worker, and a record keeper; who plays is the test's business."""
    redis_server.database_url = database_url(connection.settings_dict)
    redis_server.start("league")
    live.mark_beat()
    yield redis_server
    for name in {"evaluation", "league"} & redis_server.processes.keys():
        redis_server.kill(name)


@pytest.fixture
def folder() -> Iterator[Path]:
    """Open to all: a worker that gives up root still has to read its code."""
    with tempfile.TemporaryDirectory(prefix="palaestra-other-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def other(stack: Stack, folder: Path) -> Iterator[tuple[subprocess.Popen, Path]]:
    """A worker of another release, and the file in which it differs."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ENGINE, folder / "evaluation", ignore=ignored)
    changed = folder / "evaluation" / "errors.py"
    changed.write_text(changed.read_text() + OTHER)
    process = subprocess.Popen(
        [sys.executable, "-m", "evaluation.worker"],
        cwd=folder,
        env=stack.environment("evaluation") | {"WORKER_SLOT": "other"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    yield process, changed
    process.kill()
    process.wait()


def test_a_worker_of_another_release_plays_nothing_and_starts_anew_with_the_leagues(
    stack: Stack, other: tuple[subprocess.Popen, Path]
) -> None:
    process, changed = other
    (drained,) = wait_for(lambda: [w for w in live.workers() if w.drains], 60, "a drained worker")
    assert (drained.is_current, live.concurrency()) == (False, 1)
    bots = make_house_bots(make_competition(max_matches=0))
    match = send_match(bots[0].competition, Match.Purpose.RATED, [b.submission for b in bots[:2]])
    stack.start("evaluation")
    wait_for(lambda: Match.objects.get().state == "DONE", 60, "its result")
    played = match.attempts.get(state=Attempt.State.DONE)
    assert played.worker != drained.name
    changed.write_text(changed.read_text().removesuffix(OTHER))
    assert wait_for(lambda: process.poll() is not None, 30, "its end")
    assert process.returncode == 0


def test_a_match_of_another_release_is_put_back_and_is_no_fault(stack: Stack) -> None:
    """The message was on its way when the league was replaced."""
    bots = make_house_bots(make_competition(max_matches=0))
    match = send_match(bots[0].competition, Match.Purpose.RATED, [b.submission for b in bots[:2]])
    (message,) = stack.client().lrange(broker.RATED_QUEUE, 0, -1)
    stack.client().delete(broker.RATED_QUEUE)
    stack.client().lpush(broker.RATED_QUEUE, _of_another_release(message))
    stack.start("evaluation")
    wait_for(lambda: match.attempts.filter(state="FAILED").exists(), 60, "the match put back")
    match.refresh_from_db()
    assert (match.faults, match.attempts.get().reason.endswith("other code than the league.")) == (
        0, True,
    )  # fmt: skip


def _of_another_release(message: str) -> str:
    whole = json.loads(message)
    body = base64.b64decode(whole["body"]).decode().replace(code_version(), "0" * 12)
    return json.dumps(whole | {"body": base64.b64encode(body.encode()).decode()})

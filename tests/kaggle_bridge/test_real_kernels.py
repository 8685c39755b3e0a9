"""Real kernels through the real client: what is interrupted ends as what is not, in each layout."""

import json
import os
import signal
import sys
import time
from contextlib import suppress

import pytest

from kaggle_bridge import store
from kaggle_bridge.models import RunState
from tests.kaggle_bridge.course import drive, started, story
from tests.kaggle_service import Account, KaggleService
from tests.training import tiny
from training import storage

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.kaggle, pytest.mark.slow]
FACTS = {"task": "selfplay", "environment": "tictactoe", "has_arena": True}


@pytest.fixture
def service(tmp_path, monkeypatch, settings):
    settings.DATA_DIR = tmp_path / "data"
    settings.DATA_DIR.mkdir()
    settings.TRAINING_POLL_SECONDS = 1
    settings.TRAINING_CALLS_PER_MINUTE = 600
    environment = tiny.variables(tmp_path / "cache", optimised=False)
    accounts = {"alice": Account(key="key-of-alice-0123456789")}
    with KaggleService(
        tmp_path / "kaggle", accounts, sys.executable, environment=environment,
        shows_log_while_running=True, layout="owner",
    ) as found:  # fmt: skip
        for name, value in found.environ("alice").items():
            monkeypatch.setenv(name, value)
        yield found


def begun(**fields):
    config = {**tiny.CONFIG, "device": "cpu"}
    total = config["total_steps"]
    return started(resolved=config, facts=FACTS, total_steps=total, max_sessions=9, **fields)


def cut(service, run, number):
    """All of that session's processes are killed, once it has saved twice."""
    drive(run, until=lambda run: run.sessions.filter(number=number, state="RUNNING").exists())
    session = service.session(run.kernel_ref, number)
    deadline = time.monotonic() + 90
    while session.log.text.count('"kind": "checkpoint"') < 3:
        assert time.monotonic() < deadline, session.log.text
        time.sleep(0.02)
    for pid in session.processes():
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def last(run):
    checkpoint = run.checkpoints.order_by("-step").first()
    tensors, manifest = storage.read(store.path(checkpoint.sha256))
    bits = {name: (each.dtype.str, each.tobytes()) for name, each in tensors.items()}
    trackers = {name: value for name, value in manifest.trackers.items() if name != "clocks"}
    return checkpoint.step, bits, json.dumps(trackers, sort_keys=True)


def lines(run):
    clocks = ("seconds", "steps_per_second")
    return [
        (row.step, {name: value for name, value in row.values.items() if name not in clocks})
        for row in run.metrics.all()
    ]


def test_a_run_of_three_sessions_interrupted_twice_ends_with_the_same_bits(service):
    whole = drive(begun(), seconds=150)
    assert (whole.state, len(story(whole))) == (RunState.COMPLETE, 1)
    run = begun()
    cut(service, run, 1)
    drive(run, until=lambda run: run.sessions.count() == 2)
    cut(service, run, 2)
    run = drive(run, seconds=150)
    assert (run.state, run.error) == (RunState.COMPLETE, "")
    assert [state for _, state, _ in story(run)] == ["FAILED", "FAILED", "COMPLETE"]
    assert last(run) == last(whole)
    assert lines(run) == lines(whole)

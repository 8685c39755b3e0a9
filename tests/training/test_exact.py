"""Self-play that was cut goes on to the same bits: games, buffer, arena, keys and weights."""

import random
import signal
import time
from pathlib import Path

import pytest

from tests.training.tiny import Process
from tests.training.toy_runs import assert_same, metrics, summary
from training import checkpoint


def killed(out: Path, cache: Path, lines: int) -> None:
    """A run killed at some moment after it has written so many lines of metrics."""
    run = Process(out, cache)
    run.wait_for(lambda: run.lines >= lines)
    time.sleep(0.1 * random.random())
    assert run.send(signal.SIGKILL) == -signal.SIGKILL, run.log.read_text()


def test_killed_selfplay_ends_as_one_that_was_not(
    tmp_path: Path, tiny_reference: Path, compiled: Path
) -> None:
    out = tmp_path / "run"
    killed(out, compiled, random.randint(1, len(metrics(tiny_reference)) // 2))
    run = Process(out, compiled)
    assert run.code() == 0, run.log.read_text()
    assert_same(out, tiny_reference)
    assert any("arena/past" in line for line in metrics(out)), "the arena's memory went along"


@pytest.mark.slow
def test_twenty_kills_leave_no_trace(tmp_path: Path, tiny_reference: Path, compiled: Path) -> None:
    out, last = tmp_path / "run", len(metrics(tiny_reference)) - 2
    for kill in range(20):
        killed(out, compiled, last * kill // 20)
    run = Process(out, compiled)
    assert run.code() == 0, run.log.read_text()
    assert_same(out, tiny_reference)


@pytest.mark.slow
@pytest.mark.parametrize("phase", ["starting", "compiling", "playing", "evaluating"])
def test_sigterm_in_each_phase_leaves_no_trace(
    tmp_path: Path, tiny_reference: Path, compiled: Path, phase: str
) -> None:
    out, evaluated = tmp_path / "run", 4224
    # An empty cache makes compiling, of the update and within evaluation, take its time.
    run = Process(out, compiled if phase == "playing" else tmp_path / "empty")
    if phase == "compiling":
        run.wait_for(lambda: "starts at" in run.log.read_text())
    elif phase == "playing":
        run.wait_for(lambda: run.lines >= 3)
    elif phase == "evaluating":
        run.wait_for(lambda: run.lines == sum(x["step"] < evaluated for x in metrics(tiny_reference)))
    time.sleep({"starting": 0.3, "playing": 0.0}.get(phase, 1.0))
    assert run.send(signal.SIGTERM) == 128 + signal.SIGTERM, run.log.read_text()
    if phase == "evaluating":
        assert checkpoint.emergency(out, evaluated).exists(), summary(out)
    go_on = Process(out, compiled)
    assert go_on.code() == 0, go_on.log.read_text()
    assert_same(out, tiny_reference)

"""Self-play that was cut goes on to the same bits, on however many devices."""

import random
import signal
import time
from pathlib import Path

import pytest

from tests.training.tiny import Process
from tests.training.toy_runs import assert_same, metrics, summary
from training import checkpoint


def kill(run: Process, lines: int) -> None:
    """At some moment after it has written so many lines of metrics."""
    run.wait_for(lambda: run.lines >= lines)
    time.sleep(0.1 * random.random())
    assert run.send(signal.SIGKILL) == -signal.SIGKILL, run.log.read_text()


def finish(run: Process) -> None:
    assert run.code() == 0, run.log.read_text()


@pytest.mark.slow  # test_resume.py kills a smaller task
def test_killed_selfplay_ends_as_one_that_was_not(
    tmp_path: Path, tiny_reference: Path, tiny_compiled: Path
) -> None:
    out = tmp_path / "run"
    kill(Process(out, tiny_compiled), random.randint(1, len(metrics(tiny_reference)) // 2))
    finish(Process(out, tiny_compiled))
    assert_same(out, tiny_reference)
    assert any("arena/past" in line for line in metrics(out)), "the arena's memory went along"


@pytest.mark.slow
def test_twenty_kills_leave_no_trace(
    tmp_path: Path, optimised_reference: Path, tiny_compiled: Path
) -> None:
    out, last = tmp_path / "run", len(metrics(optimised_reference)) - 2
    for number in range(20):
        kill(Process(out, tiny_compiled, optimised=True), last * number // 20)
    finish(Process(out, tiny_compiled, optimised=True))
    assert_same(out, optimised_reference)


@pytest.mark.slow
@pytest.mark.parametrize(("first", "then"), [(None, 1), (1, None)])
def test_number_of_devices_leaves_no_trace(
    tmp_path: Path,
    optimised_reference: Path,
    tiny_compiled: Path,
    first: int | None,
    then: int | None,
) -> None:
    """Each core is a device."""
    out = tmp_path / "run"
    kill(Process(out, tiny_compiled, first, optimised=True), len(metrics(optimised_reference)) // 2)
    finish(Process(out, tiny_compiled, then, optimised=True))
    assert_same(out, optimised_reference)


@pytest.mark.slow
@pytest.mark.parametrize("phase", ["starting", "compiling", "playing", "evaluating"])
def test_sigterm_in_each_phase_leaves_no_trace(
    tmp_path: Path, optimised_reference: Path, tiny_compiled: Path, phase: str
) -> None:
    out, evaluated = tmp_path / "run", 4224
    # An empty cache makes compiling, of the update and within evaluation, take its time.
    cache = tiny_compiled if phase == "playing" else tmp_path / "empty"
    run = Process(out, cache, optimised=True)
    lines = sum(line["step"] < evaluated for line in metrics(optimised_reference))
    moments = {
        "starting": lambda: True,
        "compiling": lambda: "starts at" in run.log.read_text(),
        "playing": lambda: run.lines >= 3,
        "evaluating": lambda: run.lines == lines,
    }
    run.wait_for(moments[phase])
    time.sleep({"starting": 0.3, "playing": 0.0}.get(phase, 1.0))
    code = run.send(signal.SIGTERM)
    too_early = phase == "starting" and code == -signal.SIGTERM  # for Python itself
    assert too_early or code == 128 + signal.SIGTERM, run.log.read_text()
    if phase == "evaluating":
        assert checkpoint.emergency(out, evaluated).exists(), summary(out)
    finish(Process(out, tiny_compiled, optimised=True))
    assert_same(out, optimised_reference)

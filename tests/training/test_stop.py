"""Whenever a run is told to end, it ends within five seconds and goes on exactly. A long matter."""

import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.training.toy_runs import (
    Process,
    assert_same,
    regular_steps,
    summary,
    train_here,
)
from training.stop import DEADLINE_CODE

pytestmark = pytest.mark.slow

SECONDS_TO_END = 5.0
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
BIG = {"total_steps": 1200, "save_interval": 400, "toy": {"buffer": 500_000}}


@pytest.fixture(autouse=True)
def _nothing_is_ignored() -> Iterator[None]:
    """`nohup` and shells' background jobs ignore signals for all that is started in them, too."""
    ignored = [each for each in SIGNALS if signal.getsignal(each) == signal.SIG_IGN]
    for number in ignored:
        signal.signal(number, signal.SIG_DFL)
    yield
    for number in ignored:
        signal.signal(number, signal.SIG_IGN)


def test_twenty_kills_at_random_moments_leave_no_trace(tmp_path: Path, compiled: Path) -> None:
    whole, out = tmp_path / "whole", tmp_path / "run"
    assert train_here(whole, total_steps=30_000) == 0
    for _ in range(20):
        run = Process(out, cache=compiled, total_steps=30_000)
        run.wait_for_line("config:")
        time.sleep(1.5 * random.random())
        if run.popen.poll() is None:
            run.send(signal.SIGKILL)
    assert train_here(out, total_steps=30_000) == 0
    assert_same(out, whole)


@pytest.mark.parametrize("number", SIGNALS)
def test_signal_in_an_update(tmp_path: Path, reference: Path, number: signal.Signals) -> None:
    out = tmp_path / "run"
    run = Process(out)
    run.wait_for_line("step 600")
    time.sleep(random.random())
    assert run.send(number) < SECONDS_TO_END
    assert run.code() == 128 + number
    assert list(out.glob("emergency_step_*"))
    assert train_here(out) == 0
    assert_same(out, reference)


@pytest.mark.parametrize("seconds", [0.4, 0.8, 1.6, 3.2])
def test_signal_at_the_start(tmp_path: Path, seconds: float) -> None:
    """In the imports, and while the programs are traced and compiled."""
    out = tmp_path / "run"
    command = [sys.executable, "-m", "training", "run", "tictactoe", "--out", str(out)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as run:
        time.sleep(seconds)
        began = time.monotonic()
        run.send_signal(signal.SIGTERM)
        _, errors = run.communicate(timeout=60)
    assert time.monotonic() - began < SECONDS_TO_END
    assert run.returncode == 128 + signal.SIGTERM
    assert errors == ""
    assert summary(out)["state"] == "stopped"
    assert regular_steps(out) == []


def test_signal_in_an_evaluation_which_is_done_after_the_resumption(
    tmp_path: Path, reference: Path
) -> None:
    out = tmp_path / "run"
    run = Process(out, environment={"TOY_EVALUATION_SECONDS": "30"})
    run.wait_for_line("step 600")
    time.sleep(1)
    assert run.send() < SECONDS_TO_END
    assert run.code() == 128 + signal.SIGTERM
    assert summary(out)["checkpoints"][-1]["file"] == "emergency_step_704.safetensors"
    assert train_here(out) == 0
    assert_same(out, reference)


def test_signal_in_a_save(tmp_path: Path) -> None:
    whole, out = tmp_path / "whole", tmp_path / "run"
    assert train_here(whole, **BIG) == 0
    run = Process(out, **BIG)
    run.wait_for(lambda: bool(list(out.glob(".step_*.tmp"))))
    assert run.send() < SECONDS_TO_END
    assert run.code() == 128 + signal.SIGTERM
    assert train_here(out, **BIG) == 0
    assert_same(out, whole)


def test_signal_in_a_trial_of_a_sweep(tmp_path: Path) -> None:
    sweep: dict[str, Any] = {"grid": {"toy.batch": [4, 8]}, "steps": 1000}
    whole, out = tmp_path / "whole", tmp_path / "run"
    assert train_here(whole, sweep=sweep, total_steps=2000) == 0
    run = Process(out, sweep=sweep, total_steps=2000)
    run.wait_for_line("trial 2 of 2")
    run.wait_for(lambda: (out / "trials" / "002" / "metrics.jsonl").exists())
    assert run.send() < SECONDS_TO_END
    told = summary(out)
    assert (told["state"], told["exit_code"]) == ("stopped", 128 + signal.SIGTERM)
    assert [trial["trial"] for trial in told["sweep"]["trials"]] == [1]
    assert train_here(out, sweep=sweep, total_steps=2000) == 0
    assert_same(out, whole)


def test_deadlines_cut_a_run_into_sessions(tmp_path: Path, reference: Path, compiled: Path) -> None:
    out, codes = tmp_path / "run", []
    while not codes or codes[-1] != 0:
        seconds = 1 + len(codes) / 2
        run = Process(out, "--deadline-seconds", str(seconds), cache=compiled)
        codes.append(run.code())
        assert len(codes) < 30
    assert set(codes[:-1]) <= {DEADLINE_CODE}
    assert_same(out, reference)

"""A sweep tries every candidate once, however often it is cut, and the best goes on."""

import json
import random
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from tests.training.toy_runs import (
    Process,
    assert_same,
    content,
    metrics,
    regular_steps,
    summary,
    train_here,
)
from training import checkpoint, standings
from training.errors import Refused
from training.standings import Result

pytestmark = pytest.mark.slow

RATE = "toy.learning.learning_rate"
SWEEP = {"grid": {RATE: [0.0001, 0.06]}, "steps": 500}


def records(out: Path) -> list[dict[str, Any]]:
    """The lines of sweep.jsonl without what clocks say."""
    lines = map(json.loads, (out / "sweep.jsonl").read_text().splitlines())
    return [{name: line[name] for name in line if name != "seconds"} for line in lines]


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("sweep") / "run"
    assert train_here(out, sweep=SWEEP, total_steps=1000) == 0
    return out


def test_every_trial_is_recorded_and_the_best_is_told(swept: Path) -> None:
    slow, fast, best = records(swept)
    assert best == {"best": 2}
    assert [trial["overrides"] for trial in (slow, fast)] == [{RATE: 0.0001}, {RATE: 0.06}]
    assert slow["objective"] < fast["objective"]
    assert fast["low"] < fast["objective"] < fast["high"]
    assert {trial["state"] for trial in (slow, fast)} == {"complete"}
    told = summary(swept)["sweep"]
    assert (told["objective"], told["planned"], told["best_trial"]) == ("expected", 2, 2)
    assert [one["overrides"] for one in told["candidates"]] == [{RATE: 0.06}, {RATE: 0.0001}]
    assert summary(swept)["state"] == "complete"


def test_best_trial_goes_on_as_if_it_had_been_the_run(swept: Path, tmp_path: Path) -> None:
    alone = tmp_path / "alone"
    assert train_here(alone, f"{RATE}=0.06", total_steps=1000) == 0
    assert metrics(swept) == metrics(alone)
    last = checkpoint.regular(swept, 1000)
    assert content(last) == content(checkpoint.regular(alone, 1000))


def test_trials_are_runs_of_their_own(swept: Path) -> None:
    for name in ("001", "002"):
        trial = swept / "trials" / name
        assert regular_steps(trial) == [504]
        assert summary(trial)["state"] == "complete"
        assert [line["step"] for line in metrics(trial)] == [304]


def test_finished_sweep_says_so(swept: Path, capfd: pytest.CaptureFixture[str]) -> None:
    before = records(swept)
    assert train_here(swept, sweep=SWEEP, total_steps=1000) == 0
    assert "This run is finished" in capfd.readouterr().out
    assert records(swept) == before


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"sweep": {**SWEEP, "grid": {RATE: [0.1]}}}, "was written by another sweep"),
        ({"sweep": SWEEP, "resume": "none"}, "holds a sweep: go on with --resume auto"),
        ({"sweep": SWEEP, "resume": "x"}, "A sweep goes on by itself"),
        ({}, RATE),
    ],
)
def test_folder_of_a_sweep_is_not_taken_for_another_run(
    swept: Path, changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(Refused, match=sentence):
        train_here(swept, total_steps=2000, **{"resume": "auto", **changes})


def test_folder_of_a_run_is_not_taken_for_a_sweep(reference: Path) -> None:
    with pytest.raises(Refused, match="holds a run that began without a sweep"):
        train_here(reference, sweep=SWEEP)


@pytest.mark.slow
def test_trial_that_fails_is_recorded_and_the_others_go_on(tmp_path: Path) -> None:
    out = tmp_path / "run"
    sweep = {"grid": {"toy.fail_at": [100, 0], "toy.buffer": [10**13, 32]}, "steps": 200}
    assert train_here(out, sweep=sweep, total_steps=300) == 0
    trials = records(out)[:-1]
    assert [trial["state"] for trial in trials] == ["failed", "failed", "failed", "complete"]
    assert [trial["objective"] is None for trial in trials] == [True, True, True, False]
    assert "turn down" in trials[0]["reason"]
    assert "the toy broke" in trials[1]["reason"]
    assert records(out)[-1] == {"best": 4}


@pytest.mark.slow
def test_sweep_without_a_number_fails(tmp_path: Path) -> None:
    out = tmp_path / "run"
    sweep = {"grid": {"toy.fail_at": [1]}, "steps": 100}
    assert train_here(out, sweep=sweep) == 1
    assert "no trial gave a number for expected" in summary(out)["reason"]
    assert summary(out)["state"] == "failed"


def test_budget_ends_the_trials_before_it_is_passed(tmp_path: Path) -> None:
    out = tmp_path / "run"
    sweep = {"grid": {RATE: [0.05]}, "seeds": [0, 1, 2, 3], "steps": 100, "seconds": 0.01}
    assert train_here(out, sweep=sweep, total_steps=200) == 0
    assert [each.get("trial") for each in records(out)] == [1, None], "the first is always run"


def result(trial: int, candidate: int, objective: float | None, half: float = 0.0) -> Result:
    low, high = (None, None) if objective is None else (objective - half, objective + half)
    return Result(
        trial, candidate, {"a": candidate}, 0, "complete", "", 1, 1.0, objective, low, high
    )


def test_candidates_are_ranked_by_the_mean_over_their_seeds() -> None:
    results = [result(1, 0, 3.0), result(2, 1, 2.0), result(3, 0, 0.0), result(4, 1, 2.2)]
    first, second = standings.rank([*results, result(5, 2, 9.0), result(6, 3, None)])[:2]
    assert (first.overrides, first.best_trial, first.trials) == ({"a": 1}, 4, 2)
    assert (first.objective, second.objective) == (2.1, 1.5)


def test_interval_is_the_wider_of_noise_and_difference_of_seeds() -> None:
    noisy = standings.rank([result(1, 0, 1.0, 0.3), result(2, 0, 1.0, 0.4)])[0]
    assert noisy.high - noisy.objective == pytest.approx(0.25)
    apart = standings.rank([result(1, 0, 1.0, 0.1), result(2, 0, 2.0, 0.1)])[0]
    assert apart.high - apart.objective == pytest.approx(1.96 * 0.5)


@pytest.mark.slow
def test_killed_sweep_ends_as_one_that_was_not(tmp_path: Path, compiled: Path) -> None:
    """SIGKILL or SIGTERM at random moments of trials and of what follows them."""
    sweep = {"random": {RATE: {"low": 0.001, "high": 0.1, "log": True}}, "trials": 2}
    changes = {"sweep": {**sweep, "seeds": [1, 2], "steps": 2000}, "total_steps": 4000}
    whole, out = tmp_path / "whole", tmp_path / "run"
    assert train_here(whole, **changes) == 0
    for _ in range(12):
        run = Process(out, cache=compiled, **changes)
        run.wait_for_line("config:")
        time.sleep(4 * random.random())
        if run.popen.poll() is None:
            run.send(random.choice([signal.SIGKILL, signal.SIGTERM]))
    assert train_here(out, **changes) == 0
    assert records(out) == records(whole)
    assert_same(out, whole)
    for trial in (whole / "trials").iterdir():
        assert_same(out / "trials" / trial.name, trial)

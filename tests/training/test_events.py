"""What a task has noticed is told in the line of its interval, once, however the run was cut."""

import signal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.training import toy_task
from tests.training.toy_runs import Process, assert_same, metrics, regular_steps, train_here

pytestmark = pytest.mark.slow

QUICK = {"total_steps": 1600, "log_interval": 24, "save_interval": 320, "evaluate_interval": 0}


def events(out: Path) -> list[dict[str, Any]]:
    return [event for line in metrics(out) for event in line.get("events", [])]


@pytest.fixture(scope="module")
def uncut(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("events") / "run"
    assert train_here(out, **QUICK) == 0
    return out


def test_line_holds_the_events_of_its_interval(uncut: Path) -> None:
    lines = metrics(uncut)
    for before, line in pairwise([{"step": 0}, *lines]):
        for event in line.get("events", []):
            assert event["kind"] == "luck"
            assert event["reward"] > toy_task.LUCK
            assert before["step"] < event["step"] <= line["step"]


def test_line_without_events_does_not_name_them(uncut: Path) -> None:
    named = ["events" in line for line in metrics(uncut)]
    assert True in named
    assert False in named
    assert all(line.get("events", True) for line in metrics(uncut))


def test_each_event_is_told_once_whatever_the_interval(uncut: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    assert train_here(out, **QUICK | {"log_interval": 8}) == 0
    often, seldom = events(out), events(uncut)
    assert len({event["step"] for event in often}) == len(often) > 20
    last = metrics(uncut)[-1]["step"]
    assert seldom == [event for event in often if event["step"] <= last]


def test_stopped_run_tells_the_same_events(uncut: Path, tmp_path: Path) -> None:
    out, codes = tmp_path / "run", set[int]()
    for _ in range(3):
        codes.add(train_here(out, deadline_seconds=0.3, **QUICK | {"toy": {"pause": 0.003}}))
    codes.add(train_here(out, **QUICK | {"toy": {"pause": 0.003}}))
    assert codes == {75, 0}, "cut at least once, and then ended"
    assert events(out) == events(uncut)
    assert metrics(out) == metrics(uncut)


def test_killed_run_tells_the_same_events(tmp_path: Path, reference: Path) -> None:
    out = tmp_path / "run"
    run = Process(out)
    run.wait_for(lambda: bool(regular_steps(out)))
    run.send(signal.SIGKILL)
    assert train_here(out) == 0
    assert events(out)
    assert_same(out, reference)


def test_task_that_notices_nothing_has_no_events(
    tmp_path: Path, uncut: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(toy_task, "events")
    assert train_here(tmp_path / "run", **QUICK) == 0
    plain = [{k: v for k, v in line.items() if k != "events"} for line in metrics(uncut)]
    assert metrics(tmp_path / "run") == plain

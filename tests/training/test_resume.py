"""A run that was cut ends as one that was not, to the bit; what cannot go on exactly is refused."""

import json
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.training.toy_runs import (
    CONFIG,
    Process,
    assert_same,
    content,
    metrics,
    regular_steps,
    summary,
    train_here,
)
from training import checkpoint, storage
from training.errors import Refused

SECONDS_TO_END = 5.0


@pytest.fixture
def half(tmp_path: Path, reference: Path) -> Path:
    """The reference as it was when it had saved step 2,000, and a little after."""
    out = tmp_path / "run"
    shutil.copytree(reference, out)
    for step in (3000, 4000):
        checkpoint.regular(out, step).unlink()
    (out / "summary.json").unlink()
    return out


def test_killed_run_ends_as_one_that_was_not(tmp_path: Path, reference: Path) -> None:
    out = tmp_path / "run"
    run = Process(out)
    run.wait_for(lambda: bool(regular_steps(out)))
    time.sleep(0.3 * random.random())
    run.send(signal.SIGKILL)
    assert not (out / "summary.json").exists()
    assert train_here(out) == 0
    assert_same(out, reference)


def test_sigterm_saves_what_the_run_is_and_it_goes_on_from_there(
    tmp_path: Path, reference: Path
) -> None:
    out = tmp_path / "run"
    run = Process(out)
    run.wait_for_line("step 1,400")
    run.popen.send_signal(signal.SIGTERM)
    assert run.send(signal.SIGTERM) < SECONDS_TO_END, "the second signal changes nothing"
    told = summary(out)
    assert run.code() == 128 + signal.SIGTERM == told["exit_code"]
    assert (told["state"], told["reason"][:7]) == ("stopped", "SIGTERM")
    assert told["checkpoints"][-1]["file"] == f"emergency_step_{told['step']}.safetensors"
    assert train_here(out) == 0
    assert_same(out, reference)


def test_deadline_ends_a_run_that_goes_on_later(tmp_path: Path, reference: Path) -> None:
    out = tmp_path / "run"
    assert train_here(out, deadline_seconds=0.5) == 75
    assert summary(out)["reason"].startswith("the deadline of 0.5 seconds")
    assert summary(out)["state"] == "stopped"
    assert train_here(out) == 0
    assert_same(out, reference)


def test_metrics_past_the_checkpoint_are_cut_and_come_again(half: Path, reference: Path) -> None:
    lines = (half / "metrics.jsonl").read_text()
    assert json.loads(lines.splitlines()[-1])["step"] > 3000
    (half / "metrics.jsonl").write_text(lines + '{"step": 4000, "lo')
    assert train_here(half) == 0
    assert_same(half, reference)


def test_checkpoint_in_the_middle_of_an_interval_holds_its_sums(half: Path) -> None:
    trackers = content(checkpoint.regular(half, 2000))[1]
    assert trackers["logged"] < 2000
    assert trackers["interval"]["updates"] == (2000 - trackers["logged"]) / 8
    assert trackers["interval"]["sums"]["loss"] > 0


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty"])
def test_damaged_newest_checkpoint_is_named_and_the_one_before_used(
    half: Path, reference: Path, damage: str, capfd: pytest.CaptureFixture[str]
) -> None:
    newest = checkpoint.regular(half, 2000)
    data = bytearray(newest.read_bytes())
    data[-9] ^= 1
    newest.write_bytes({"cut": data[: len(data) // 2], "flipped": data, "empty": b""}[damage])
    assert train_here(half) == 0
    told = capfd.readouterr()
    assert "step_2000.safetensors" in told.err
    assert "goes on at step 1,000" in told.out
    assert any("step_2000" in warning for warning in summary(half)["warnings"])
    assert_same(half, reference)


def test_folder_with_only_damaged_checkpoints_is_not_started_anew(half: Path) -> None:
    before = sorted(half.iterdir())
    for step in (1000, 2000):
        checkpoint.regular(half, step).write_bytes(b"garbage")
    with pytest.raises(Refused, match=r"None of the 2 checkpoints .* can be read"):
        train_here(half)
    assert sorted(half.iterdir()) == before


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"step": 2008}, "its step is not that of its state"),
        ({"trackers": {"logged": 10**30}}, "its step is not that of its state"),
        ({"trackers": {"logged": "x"}}, "does not say how far its metrics are"),
        ({"trackers": {"unwritten": ["no JSON"]}}, "does not say how far its metrics are"),
    ],
)
def test_checkpoint_that_contradicts_itself_is_refused(
    half: Path, changes: dict, sentence: str
) -> None:
    path = checkpoint.regular(half, 2000)
    tensors, manifest = storage.read(path)
    trackers = {**manifest.trackers, **changes.get("trackers", {})}
    forged = replace(manifest, step=changes.get("step", 2000), trackers=trackers)
    with path.open("wb") as file:
        storage.write(file, tensors, forged)
    with pytest.raises(Refused, match=sentence):
        train_here(half, resume=str(path))


def test_finished_run_says_so(reference: Path, capfd: pytest.CaptureFixture[str]) -> None:
    before = {path.name: path.read_bytes() for path in reference.glob("*step*")}
    lines = (reference / "metrics.jsonl").read_bytes()
    assert train_here(reference) == 0
    assert "This run is finished" in capfd.readouterr().out
    assert {path.name: path.read_bytes() for path in reference.glob("*step*")} == before
    assert (reference / "metrics.jsonl").read_bytes() == lines
    assert summary(reference)["state"] == "complete"


def test_lengthened_run_is_the_same_as_one_of_that_length_from_the_start(
    tmp_path: Path, reference: Path
) -> None:
    out = tmp_path / "run"
    assert train_here(out, total_steps=1100) == 0
    assert regular_steps(out) == [1000, 1104]
    assert train_here(out) == 0
    assert metrics(out) == metrics(reference)
    last = checkpoint.regular(out, 4000)
    assert content(last) == content(checkpoint.regular(reference, 4000))


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"seed": 4}, "seed"),
        ({"evaluate_interval": 800}, "evaluate_interval"),
        ({"toy": {"batch": 16}}, "toy.batch"),
        ({"toy": {"learning": {"learning_rate": 0.1}}}, "toy.learning.learning_rate"),
    ],
)
def test_changed_settings_are_refused_by_name(half: Path, changes: dict, key: str) -> None:
    before = {path: path.read_bytes() for path in half.iterdir()}
    merged = {"toy": {**CONFIG["toy"], **changes.pop("toy", {})}, **changes}
    with pytest.raises(Refused, match=f"{key} \\("):
        train_here(half, **merged)
    assert {path: path.read_bytes() for path in half.iterdir()} == before


def test_resume_none_buries_nothing(half: Path) -> None:
    with pytest.raises(Refused, match="holds checkpoints up to step 2,000"):
        train_here(half, resume="none")
    assert regular_steps(half) == [1000, 2000]


def test_resume_of_a_path_goes_on_from_it_in_another_folder(
    half: Path, reference: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    assert train_here(other, resume=str(checkpoint.regular(half, 2000))) == 0
    assert regular_steps(other) == [3000, 4000]
    for step in (3000, 4000):
        path = checkpoint.regular(other, step)
        assert content(path) == content(checkpoint.regular(reference, step))
    assert metrics(other) == [line for line in metrics(reference) if line["step"] > 2000]


def test_resume_of_a_path_does_not_contradict_newer_checkpoints(half: Path) -> None:
    with pytest.raises(Refused, match=r"step_2000\.safetensors is newer"):
        train_here(half, resume=str(checkpoint.regular(half, 1000)))


def test_second_process_on_one_folder_is_refused(tmp_path: Path) -> None:
    out = tmp_path / "run"
    code = f"from training.lock import *\nwith locked(Path({str(out)!r})): print(); input()"
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", code], stdin=pipe, stdout=pipe) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"\n"
        with pytest.raises(Refused, match=f"Another process \\(id {other.pid}\\) is training"):
            train_here(out)
        other.kill()
    assert train_here(out, total_steps=100) == 0, "the lock ended with its holder"

"""The file that is sent, run as a place runs it: what it leaves however it ends."""

import json
import os
import random
import shutil
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kaggle_bridge.kernel import Resume
from tests.training import sessions
from tests.training.sessions import ENDLESS, QUICK, Session, give, order
from tests.training.toy_runs import content
from training import manifest
from training.order import load
from training.session import margin

LAYOUTS = ("datasets/alice/palaestra-7", "palaestra-7")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, tiny_compiled: Path) -> Session:
    """A session that was never cut."""
    told = order(wanted=(1000, 1200, 3000), token="it's")
    return sessions.complete(tmp_path_factory.mktemp("whole") / "root", tiny_compiled, told)


@pytest.fixture
def started(tmp_path: Path, tiny_compiled: Path) -> Iterator[Any]:
    """Starts sessions; none outlives its test."""
    made: list[Session] = []

    def start(told: Any, name: str = "root", **options: Any) -> Session:
        made.append(Session(tmp_path / name, tiny_compiled, told, **options))
        return made[-1]

    yield start
    for each in made:
        if each.popen.poll() is None:
            each.kill_all()


def test_complete_session_leaves_what_was_wanted_and_one_to_go_on_from(whole: Session) -> None:
    found = whole.verified()
    assert sorted(found["files"]) == [
        "checkpoints/step_1408.safetensors",  # the first at or after 1,000, and after 1,200
        "checkpoints/step_3072.safetensors",
        "metrics.jsonl",
        "result.json",
        "resume/step_3072.safetensors",
    ]
    assert [found["files"][name].get("step") for name in found["files"]][:2] == [1408, 3072]
    about = {"schema": 1, "run": 7, "session": 1, "token": "it's", "state": "complete"}
    assert about.items() <= found.items()
    assert found["step"] == 3072
    assert not os.listdir(whole.root / "tmp")


def test_complete_session_says_how_it_ended(whole: Session) -> None:
    result, (start,) = whole.result, whole.events("start")
    assert result.pop("seconds") > 0
    assert result.pop("report") == {name: start[name] for name in start if name != "kind"}
    assert result == {
        "state": "complete",
        "exit_code": 0,
        "reason": "all steps are done",
        "knob": "",
        "first_step": 0,
        "step": 3072,
        "total_steps": 3000,
    }


def test_log_tells_the_machine_first_then_numbers_and_checkpoints(whole: Session) -> None:
    kinds = [event["kind"] for event in whole.log.events]
    assert (kinds[0], kinds[-1]) == ("start", "end")
    start = whole.events("start")[0]
    assert start["platform"] == "cpu"
    assert start["versions"].keys() >= {"python", "jax", "flax"}
    assert start["source_hash"] == whole.manifest["source_hash"]
    lines = [event["line"] for event in whole.events("metrics")]
    text = (whole.working / "metrics.jsonl").read_text()
    assert lines == [json.loads(line) for line in text.splitlines()]
    assert [line["step"] for line in lines] == [512, 1024, 1536, 2048, 2560, 3072]
    files = whole.manifest["files"]
    for told in whole.events("checkpoint"):
        entry = files.get(told["file"], told)
        assert (told["sha256"], told["step"]) == (entry["sha256"], entry["step"])
    assert {told["file"] for told in whole.events("checkpoint")} >= {
        name for name in files if name.endswith(".safetensors")
    }


@pytest.mark.parametrize("layout", [LAYOUTS[0], pytest.param(LAYOUTS[1], marks=pytest.mark.slow)])
def test_session_goes_on_from_either_layout(
    started: Any, whole: Session, tmp_path: Path, layout: str
) -> None:
    earlier = whole.working / "checkpoints" / "step_1408.safetensors"
    resume = give(tmp_path / "root", earlier, layout)
    session = started(order(resume=resume, session=2, wanted=(1000, 1200, 3000)))
    assert session.end() == 0, session.log.text
    (start,) = session.events("start")
    assert start["step"] == session.result["first_step"] == 1408
    assert f"{layout}/palaestra-resume.json" in start["inputs"]
    assert content(session.newest) == content(whole.newest)
    checkpoints = [name for name in session.manifest["files"] if name.startswith("checkpoints/")]
    assert checkpoints == ["checkpoints/step_3072.safetensors"]  # the other was left before
    assert session.events("metrics")[0]["line"]["step"] == 1536


@pytest.mark.slow
def test_session_with_nothing_left_to_do_is_complete(
    started: Any, whole: Session, tmp_path: Path
) -> None:
    resume = give(tmp_path / "root", whole.newest)
    session = started(order(resume=resume, session=2, wanted=(3000,)))
    assert session.end() == 0, session.log.text
    assert session.result["state"] == "complete"
    assert content(session.newest) == content(whole.newest)


def damage(folder: Path, how: str) -> None:
    (path,) = folder.glob("*.safetensors")
    if how == "absent":
        shutil.rmtree(folder)
    elif how == "no file":
        path.unlink()
    elif how == "damaged":
        path.write_bytes(path.read_bytes()[:-1] + b"\1")
    elif how == "outside":
        marker = json.loads((folder / "palaestra-resume.json").read_text())
        marker["file"] = f"../{folder.name}/{path.name}"
        (folder / "palaestra-resume.json").write_text(json.dumps(marker))


@pytest.mark.parametrize(
    ("how", "marked", "said"),
    [
        ("absent", {}, "holds other/data.csv"),
        ("no file", {}, "palaestra-7/palaestra-resume.json"),
        ("outside", {}, "not among the inputs"),
        ("damaged", {}, "sha256"),
        ("marked", {"run": 8}, "marked as run 8, step 1408"),
        ("marked", {"step": 1409}, "marked as run 7, step 1409"),
        ("marked", {"sha256": "0" * 64}, "not among the inputs"),
    ],
)
def test_session_never_starts_afresh_when_told_to_go_on(
    started: Any, whole: Session, tmp_path: Path, how: str, marked: dict[str, Any], said: str
) -> None:
    checkpoint = whole.working / "checkpoints" / "step_1408.safetensors"
    resume = give(tmp_path / "root", checkpoint, **marked)
    damage(tmp_path / "root" / "input" / "palaestra-7", how)
    (tmp_path / "root" / "input" / "other").mkdir()
    (tmp_path / "root" / "input" / "other" / "data.csv").write_text("1,2")
    session = started(order(resume=resume, session=2))
    assert session.end() == 2
    found, result = session.verified(), session.result
    assert (found["state"], result["state"], result["exit_code"]) == ("refused", "refused", 2)
    assert said in result["reason"]
    assert not [name for name in found["files"] if name.endswith(".safetensors")]
    assert not session.events("start")
    assert session.events("end")[0]["reason"] == result["reason"]


def test_checkpoint_of_another_step_than_marked_is_refused(
    started: Any, whole: Session, tmp_path: Path
) -> None:
    checkpoint = whole.working / "checkpoints" / "step_1408.safetensors"
    resume = give(tmp_path / "root", checkpoint, step=2000)
    session = started(order(resume=replace(resume, step=2000), session=2))
    assert session.end() == 2
    assert "is of step 1,408, not of 2,000" in session.result["reason"]


def test_another_accelerator_than_asked_for_is_refused_before_training(started: Any) -> None:
    session = started(order(accelerator="tpu"))
    assert session.end() == 2
    (start,) = session.events("start")
    assert start["platform"] == "cpu"
    assert "was to have a TPU" in session.result["reason"]
    assert session.verified()["state"] == "refused"
    assert session.result["report"]["devices"] == start["devices"]


def test_impossible_config_is_refused(started: Any) -> None:
    session = started(order({**QUICK, "total'''_\"steps\n": "</script> é"}))
    assert session.end() == 2
    assert "total'''_\\\"steps" in session.result["reason"]


@pytest.mark.slow
def test_sweep_is_refused(started: Any) -> None:
    grid = {"selfplay.learning.learning_rate": [0.01]}
    session = started(order({**QUICK, "sweep": {"grid": grid, "steps": 600}}))
    assert session.end() == 2
    assert "no place for a sweep" in session.result["reason"]


def test_session_of_a_killed_trainer_says_which_knob_to_turn(started: Any) -> None:
    session = started(order(ENDLESS))
    session.wait_for_event("checkpoint")
    os.kill(session.trainer(), signal.SIGKILL)
    assert session.end() == 1
    result = session.result
    assert "memory" in result["reason"]
    assert '"selfplay.games" (now 16)' in result["knob"]
    assert session.verified()["state"] == result["state"] == "failed"
    assert session.newest.exists()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_a_session_with_a_checkpoint_of_that_moment(
    started: Any, number: signal.Signals
) -> None:
    session = started(order(ENDLESS))
    session.wait_for_event("metrics")
    session.popen.send_signal(number)
    assert session.end() == 128 + number
    assert session.result["state"] == session.verified()["state"] == "stopped"
    told = session.events("metrics")[-1]["line"]["step"]
    assert session.result["step"] == manifest.read(session.newest).step >= told


def test_deadline_ends_well_with_a_checkpoint_to_go_on_from(
    started: Any, whole: Session, tmp_path: Path
) -> None:
    resume = give(tmp_path / "root", whole.newest)
    session = started(order(ENDLESS, resume=resume, session_s=64))
    assert session.end() == 0, session.log.text
    assert session.result["state"] == session.verified()["state"] == "stopped"
    assert "deadline" in session.result["reason"]
    assert session.newest.exists()
    assert session.result["seconds"] < 30


def test_killed_session_leaves_a_true_manifest(
    started: Any, whole: Session, tmp_path: Path
) -> None:
    session = started(order(ENDLESS, resume=give(tmp_path / "root", whole.newest)))
    session.wait_for_event("start")
    session.kill_all()
    assert session.verified()["state"] == "running"
    assert content(session.newest) == content(whole.newest)


def test_trainer_does_not_outlive_its_kernel(started: Any) -> None:
    session = started(order(ENDLESS))
    session.wait_for_event("start")
    trainer = Path(f"/proc/{session.trainer()}")
    session.popen.kill()
    end = time.monotonic() + 30
    while trainer.exists() and time.monotonic() < end:
        time.sleep(0.05)
    assert not trainer.exists()


def test_margin_is_a_tenth_but_neither_short_nor_long() -> None:
    assert [margin(seconds) for seconds in (120, 600, 3600, 43_200)] == [60, 60, 360, 900]


def test_order_is_data_in_and_out() -> None:
    told = order(wanted=(1, 2), resume=Resume(5, "ab"))
    assert load(json.dumps(told.to_json())) == told


@pytest.mark.slow
def test_deadline_saves_what_was_trained(started: Any) -> None:
    session = started(order(ENDLESS, session_s=100))
    assert session.end() == 0
    assert session.result["step"] > 0
    assert manifest.read(session.newest).step == session.result["step"]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_session_killed_at_any_moment_leaves_a_true_manifest(started: Any, seed: int) -> None:
    often = {**ENDLESS, "save_interval": 100, "log_interval": 100}
    session = started(order(often, wanted=tuple(range(1000, 100_000, 1000))))
    session.wait_for_event("checkpoint")
    time.sleep(random.Random(seed).uniform(0, 1.5))
    session.kill_all()
    assert session.newest.exists()


@pytest.mark.slow
def test_run_interrupted_twice_ends_with_the_same_bits(
    started: Any, tiny_reference: Path, tmp_path: Path
) -> None:
    config = sessions.tiny.CONFIG
    first = started(order(config, wanted=(5000, 12_000)), "first")
    first.wait_for_event("metrics", 3)
    first.popen.terminate()
    assert first.end() == 143
    resume = give(tmp_path / "second", first.newest)
    second = started(order(config, session=2, resume=resume, wanted=(5000, 12_000)), "second")
    second.wait_for_event("checkpoint", 3)
    second.kill_all()
    resume = give(tmp_path / "third", second.newest, LAYOUTS[1])
    third = started(order(config, session=3, resume=resume, wanted=(5000, 12_000)), "third")
    assert third.end() == 0, third.log.text
    tensors, trackers, _ = content(third.newest)
    whole_tensors, whole_trackers, _ = content(tiny_reference / third.newest.name)
    assert tensors == whole_tensors
    assert trackers == whole_trackers


@pytest.mark.slow
def test_notebook_leaves_what_the_script_does(started: Any, whole: Session) -> None:
    session = started(order(wanted=(1000, 1200, 3000), token="it's"), is_notebook=True)
    assert session.end() == 0, session.log.text
    assert session.events("start") == whole.events("start")
    assert session.manifest["files"].keys() == whole.manifest["files"].keys()
    assert content(session.newest) == content(whole.newest)


def test_output_that_cannot_be_written_is_a_failure(started: Any, tmp_path: Path) -> None:
    (tmp_path / "root" / "working").mkdir(parents=True)
    (tmp_path / "root" / "working" / "checkpoints").touch()
    session = started(order())
    assert session.end() == 1
    assert "checkpoints cannot be written: File exists" in session.result["reason"]
    assert session.verified()["state"] == "failed"


@pytest.mark.slow
def test_run_that_would_not_fit_says_which_knob_to_turn(started: Any) -> None:
    large = {**sessions.tiny.SELFPLAY, "games": 4096, "buffer": 1 << 20}
    session = started(order({**QUICK, "selfplay": large}))
    assert session.end() == 2, session.log.text
    assert session.result["state"] == "refused"
    assert session.result["reason"].endswith("are free.")
    assert '"selfplay.buffer" (now 1048576)' in session.result["knob"]


@pytest.mark.slow
def test_trainer_that_hangs_is_killed_in_good_time(
    started: Any, whole: Session, tmp_path: Path
) -> None:
    resume = give(tmp_path / "root", whole.newest)
    session = started(order(ENDLESS, resume=resume, session_s=70))
    session.wait_for_event("start")
    os.kill(session.trainer(), signal.SIGSTOP)
    assert session.end() == 0
    assert session.result["state"] == session.verified()["state"] == "stopped"
    assert "was killed" in session.result["reason"]
    assert content(session.newest) == content(whole.newest)
    assert 40 <= session.result["seconds"] < 60

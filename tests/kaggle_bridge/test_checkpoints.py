"""Checkpoints: what a session has left is taken in once, and its bytes are kept."""

import os
import stat
from pathlib import Path

import pytest
from django.conf import settings

from kaggle_bridge import checkpoints, store
from kaggle_bridge.inspecting import inspection
from kaggle_bridge.inspecting.inspection import Found, FoundCheckpoint, InspectionFault
from kaggle_bridge.models import Checkpoint, Metric, Session, TrainingRun
from tests.kaggle_bridge.hand_made import TOKEN, Output, config, make_run, version, write_checkpoint

pytestmark = pytest.mark.django_db


@pytest.fixture
def run() -> TrainingRun:
    return make_run()


@pytest.fixture
def session(run) -> Session:
    return Session.objects.create(run=run, number=1, token=TOKEN)


@pytest.fixture(autouse=True)
def _own_store(tmp_path, settings) -> None:
    settings.DATA_DIR = tmp_path / "data"


def found_in(output: Output, run: TrainingRun) -> Found:
    return inspection.look_at_output(output.seal(run=run.pk), run.pk, TOKEN)


@pytest.fixture
def found(run, tmp_path) -> Found:
    output = Output(tmp_path / "output")
    output.checkpoint(500, arena=1100.0)
    output.checkpoint(640, kind="resume")
    output.lines({"step": 100, "loss": 2.0, "gone": None}, {"step": 200, "loss": 1.0})
    return found_in(output, run)


def one(path: Path, step: int, **fields) -> FoundCheckpoint:
    """As inspection finds it."""
    (each,) = inspection.look_at_upload(path, "a.safetensors", path.parent).checkpoints
    assert each.step == step
    return FoundCheckpoint(**(vars(each) | fields))


def only(*found: FoundCheckpoint) -> Found:
    return Found("", 0, {}, found, (), ())


# Taking in.


def test_files_rows_and_metrics_are_kept(run, session, found) -> None:
    assert checkpoints.record(run, session, found) == 2
    first, second = run.checkpoints.all()
    assert (first.step, first.state, first.session, first.arena) == (500, "KEPT", session, 1100.0)
    assert first.manifest["is_wanted"]
    assert not second.manifest["is_wanted"]
    assert first.manifest["source_hash"] == "5" * 64
    assert first.manifest["environment"]["version"] == version("tictactoe")
    assert "config" not in first.manifest
    for row, each in zip((first, second), found.checkpoints, strict=True):
        assert store.path(row.sha256).read_bytes() == each.path.read_bytes()
    assert list(run.metrics.values_list("step", flat=True)) == [100, 200]


def test_the_same_again_changes_nothing(run, session, found) -> None:
    checkpoints.record(run, session, found)
    before = list(Checkpoint.objects.values()), list(Metric.objects.values())
    assert checkpoints.record(run, session, found) == 0
    assert (list(Checkpoint.objects.values()), list(Metric.objects.values())) == before


def test_a_kill_between_file_and_row_is_made_good(run, session, found) -> None:
    for each in found.checkpoints:
        store.keep(each.path, each.sha256)
    assert checkpoints.record(run, session, found) == 2


def test_the_first_of_a_step_stays(run, session, found, tmp_path) -> None:
    checkpoints.record(run, session, found)
    other = one(write_checkpoint(tmp_path / "b.safetensors", 500, source_hash="6" * 64), 500)
    assert checkpoints.record(run, session, only(other)) == 0
    assert run.checkpoints.get(step=500).sha256 == found.checkpoints[0].sha256
    assert not store.path(other.sha256).exists()


def test_unless_its_bytes_are_gone(run, session, found, tmp_path) -> None:
    checkpoints.record(run, session, found)
    store.path(found.checkpoints[0].sha256).unlink()
    other = one(write_checkpoint(tmp_path / "b.safetensors", 500, source_hash="6" * 64), 500)
    assert checkpoints.record(run, session, only(other)) == 0
    assert run.checkpoints.get(step=500).sha256 == other.sha256
    assert store.path(other.sha256).is_file()


def test_what_was_entered_gets_no_other_bytes(run, session, found, tmp_path) -> None:
    checkpoints.record(run, session, found)
    first = found.checkpoints[0]
    run.checkpoints.update(state="ENTERED")
    store.path(first.sha256).unlink()
    other = one(write_checkpoint(tmp_path / "b.safetensors", 500, source_hash="6" * 64), 500)
    checkpoints.record(run, session, only(other))
    assert run.checkpoints.get(step=500).sha256 == first.sha256
    checkpoints.record(run, session, found)
    assert store.path(first.sha256).is_file()


def test_one_that_was_only_to_go_on_from_may_be_wanted_later(run, session, found) -> None:
    checkpoints.record(run, session, found)
    second = FoundCheckpoint(**(vars(found.checkpoints[1]) | {"is_wanted": True, "arena": 7.0}))
    assert checkpoints.record(run, session, only(second)) == 0
    row = run.checkpoints.get(step=640)
    assert (row.manifest["is_wanted"], row.arena) == (True, 7.0)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"task": "foraging"}, "of the task 'foraging', not 'selfplay'"),
        ({"game": "connectx"}, "trained on 'connectx', and this run on 'tictactoe'"),
        ({"config": config(seed=1)}, "of a run with another configuration: seed."),
    ],
)
def test_what_is_of_another_run_is_left_out(run, tmp_path, changes, sentence) -> None:
    found = one(write_checkpoint(tmp_path / "b.safetensors", 500, **changes), 500)
    assert sentence in checkpoints.misfit(run, None, found)
    assert checkpoints.record(run, None, only(found)) == 0
    assert not run.checkpoints.exists()


def test_totals_and_intervals_may_differ(run, tmp_path) -> None:
    changes = config(total_steps=9, save_interval=7, device="gpu")
    found = one(write_checkpoint(tmp_path / "b.safetensors", 500, config=changes), 500)
    assert checkpoints.record(run, None, only(found)) == 1
    assert run.checkpoints.get().session is None


# Going on.


def test_a_run_goes_on_from_the_newest_whose_bytes_are_there(run, session, found) -> None:
    assert checkpoints.newest(run) is None
    checkpoints.record(run, session, found)
    assert checkpoints.newest(run).step == 640
    store.path(found.checkpoints[1].sha256).unlink()
    assert checkpoints.newest(run).step == 500


# The store.


def test_the_store_is_for_its_owner_alone(run, session, found) -> None:
    checkpoints.record(run, session, found)
    path = store.path(found.checkpoints[0].sha256)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert path.parent.parent == Path(settings.DATA_DIR) / "checkpoints"


def test_bytes_that_changed_meanwhile_are_not_kept(run, session, found) -> None:
    each = found.checkpoints[0]
    each.path.write_bytes(b"other")
    with pytest.raises(InspectionFault, match="has changed since"):
        checkpoints.record(run, session, found)
    folder = store.path(each.sha256).parent
    assert list(folder.iterdir()) == []
    assert not run.checkpoints.exists()


def test_a_disk_that_refuses_is_our_fault(run, session, found) -> None:
    root = Path(settings.DATA_DIR)
    root.mkdir()
    (root / "checkpoints").write_bytes(b"in the way")
    with pytest.raises(InspectionFault, match="could not be stored"):
        checkpoints.record(run, session, found)


@pytest.mark.parametrize("name", ["", "../" * 20, "F" * 64, "0" * 63 + "\n", "0" * 65])
def test_only_hashes_name_files(name) -> None:
    with pytest.raises(ValueError, match="no SHA-256"):
        store.path(name)


def test_a_half_copied_file_does_not_count(run, session, found) -> None:
    target = store.path(found.checkpoints[0].sha256)
    target.parent.mkdir(parents=True)
    (target.parent / ".half.part").write_bytes(os.urandom(10))
    assert checkpoints.record(run, session, found) == 2
    assert target.read_bytes() == found.checkpoints[0].path.read_bytes()

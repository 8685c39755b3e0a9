"""A run's folder: which checkpoints stay, and what is left when a save is cut short."""

import subprocess
import sys
from pathlib import Path

import jax
import pytest

from tests.training.states import assert_same, manifest, saved, state
from training import checkpoint, folder, storage
from training.manifest import ManifestError

SAVE = """
import sys
from pathlib import Path
import numpy as np
from training import checkpoint
from training.manifest import Manifest

FOLDER = Path(sys.argv[1])

def save(step, megabytes=4):
    state = {"params": {"w": np.full(megabytes << 18, step, np.float32)}}
    checkpoint.save(FOLDER / f"step_{step}.safetensors", state, Manifest("toy", step, {}))
"""
KILLS = """
import os, random, signal, time

def saves(first):
    for step in range(first, first + 10_000):
        save(step)
        checkpoint.rotate(FOLDER, 3)

save(1)
halves, last = 0, 1
for _ in range(20):
    child = os.fork()
    if child == 0:
        saves(last + 1)
    time.sleep(random.uniform(0.01, 0.1))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    newest = checkpoint.candidates(FOLDER)[0]
    tensors, manifest = checkpoint.storage.read(newest)
    assert newest.name == f"step_{manifest.step}.safetensors"
    assert (tensors["params/w"] == manifest.step).all()
    assert manifest.step >= last
    halves += bool(list(FOLDER.glob(".step_*.tmp")))
    last = manifest.step
save(last + 1)
print(last, halves)
"""
SMALL_FILES = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, resource.RLIM_INFINITY))
save(1, 0)
try:
    save(2)
except checkpoint.NotSaved as error:
    print(error)
print(sorted(path.name for path in FOLDER.iterdir()))
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
save(3)
print(checkpoint.candidates(FOLDER)[0].name)
"""
SMALL_DISK = """
save(1, 1)
try:
    save(2)
except checkpoint.NotSaved as error:
    print(error)
print(sorted(path.name for path in FOLDER.iterdir()))
save(3, 1)
print(checkpoint.candidates(FOLDER)[0].name)
"""
TMPFS = ("unshare", "-rm", "sh", "-c", 'mount -t tmpfs -o size=4m none "$0" && exec "$@"')


def run(path: Path, code: str, *prefix: str) -> list[str]:
    command = [*prefix, sys.executable, "-c", SAVE + code, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def touch(path: Path, *names: str, latest: str = "") -> None:
    for name in names:
        (path / f"{name}.safetensors").touch()
    if latest:
        (path / "latest").write_text(f"{latest}.safetensors\n")


def left(path: Path) -> set[str]:
    return {each.name.removesuffix(".safetensors") for each in path.iterdir()} - {"latest"}


def test_candidates_come_newest_first_whatever_latest_says(tmp_path):
    touch(tmp_path, "step_9", "step_10", "emergency_step_10", "emergency_step_11", latest="step_1")
    touch(tmp_path, "step_x", "step_07", "other_step_12", "step_-3", ".step_13")
    (tmp_path / "step_99.safetensors").mkdir()
    names = [path.stem for path in checkpoint.candidates(tmp_path)]
    assert names == ["emergency_step_11", "step_10", "emergency_step_10", "step_9"]
    assert checkpoint.candidates(tmp_path / "nowhere") == []


def test_the_last_regular_ones_are_kept(tmp_path):
    touch(tmp_path, *(f"step_{step}" for step in (8, 9, 10, 100, 11, 12)), latest="step_100")
    checkpoint.rotate(tmp_path, 3)
    assert left(tmp_path) == {"step_11", "step_12", "step_100"}


def test_five_are_kept_by_default(tmp_path):
    touch(tmp_path, *(f"step_{step}" for step in range(8)))
    checkpoint.rotate(tmp_path)
    assert left(tmp_path) == {f"step_{step}" for step in range(3, 8)}


def test_an_emergency_checkpoint_makes_no_regular_one_go(tmp_path):
    touch(tmp_path, "step_1", "step_2", "emergency_step_3", "emergency_step_4")
    checkpoint.rotate(tmp_path, 2)
    assert left(tmp_path) == {"step_1", "step_2", "emergency_step_3", "emergency_step_4"}


def test_a_later_regular_checkpoint_supersedes_emergency_ones(tmp_path):
    touch(tmp_path, "step_1", "emergency_step_2", "emergency_step_3", "step_3", "emergency_step_4")
    checkpoint.rotate(tmp_path, 5)
    assert left(tmp_path) == {"step_1", "step_3", "emergency_step_4"}


@pytest.mark.parametrize("name", ["step_1", "emergency_step_2"])
def test_what_latest_names_stays(tmp_path, name):
    touch(tmp_path, "step_1", "emergency_step_2", "step_3", "step_4", latest=name)
    checkpoint.rotate(tmp_path, 1)
    assert left(tmp_path) == {"step_4", name}


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"../../etc/passwd", b"x" * 999])
def test_a_wrong_latest_does_no_harm(tmp_path, content):
    touch(tmp_path, "step_1", "step_2")
    (tmp_path / "latest").write_bytes(content)
    checkpoint.rotate(tmp_path, 1)
    assert left(tmp_path) == {"step_2"}


def test_saving_names_the_latest(tmp_path):
    saved(tmp_path, 7)
    assert (tmp_path / "latest").read_text() == "step_7.safetensors\n"
    checkpoint.save(checkpoint.emergency(tmp_path, 9), state(), manifest(9))
    assert (tmp_path / "latest").read_text() == "emergency_step_9.safetensors\n"
    assert folder.named_latest(tmp_path) == "emergency_step_9.safetensors"


def test_a_save_cleans_up_after_a_killed_one_and_nothing_else(tmp_path):
    ours = (".step_3.safetensors.tmp", ".emergency_step_4.safetensors.tmp", ".latest.tmp")
    others = (".notes.tmp", "step_3.tmp", ".step_3.safetensors")
    for name in ours + others:
        (tmp_path / name).write_text("half")
    saved(tmp_path, 7)
    assert left(tmp_path) == {"step_7", ".notes.tmp", "step_3.tmp", ".step_3"}


def test_a_failing_save_leaves_the_old_file_and_no_temporary(tmp_path):
    path = saved(tmp_path, 7)
    before = path.read_bytes()
    with pytest.raises(TypeError), folder.replacing(path) as file:
        file.writelines([b"half", None])
    assert path.read_bytes() == before
    assert left(tmp_path) == {"step_7"}


def test_a_folder_that_is_not_there_is_said(tmp_path):
    with pytest.raises(checkpoint.NotSaved, match=r"step_7.* was not saved: No such file"):
        saved(tmp_path / "nowhere")


def test_killed_saves_leave_a_sound_newest_checkpoint(tmp_path):
    last, halves = map(int, run(tmp_path, KILLS)[0].split())
    assert last > 5
    assert halves > 0, "no kill came while a file was being written"
    assert not list(tmp_path.glob(".*"))
    like = {"params": {"w": jax.ShapeDtypeStruct((1 << 20,), "float32")}}
    assert checkpoint.load(tmp_path / f"step_{last + 1}.safetensors", like)[1].step == last + 1


def test_a_limit_on_file_sizes_is_said_and_survived(tmp_path):
    error, files, newest = run(tmp_path, SMALL_FILES)
    assert "step_2.safetensors was not saved: File too large" in error
    assert files == "['latest', 'step_1.safetensors']"
    assert newest == "step_3.safetensors"


def test_a_full_disk_is_said_and_survived(tmp_path):
    if subprocess.run([*TMPFS, str(tmp_path), "true"], capture_output=True).returncode:
        pytest.skip("no disk can be mounted here")
    error, files, newest = run(tmp_path, SMALL_DISK, *TMPFS, str(tmp_path))
    assert "step_2.safetensors was not saved: the disk is full" in error
    assert error.endswith("free some space")
    assert files == "['latest', 'step_1.safetensors']"
    assert newest == "step_3.safetensors"


def test_a_damaged_newest_checkpoint_leaves_the_one_before_it(tmp_path):
    older, newer = saved(tmp_path, 7), saved(tmp_path, 8, seed=1)
    newer.write_bytes(newer.read_bytes()[:-1])
    first, second = checkpoint.candidates(tmp_path)
    with pytest.raises(ManifestError, match=r"step_8.safetensors is cut short"):
        storage.read(first)
    assert second == older
    assert_same(checkpoint.load(second, jax.eval_shape(state))[0], state())

"""What a run tells, counts and leaves, and how it lives with faults of the task and the disk."""

import os
import re
import resource
import subprocess
import zipfile
from pathlib import Path

import jax
import pytest

from tests.training.toy_runs import (
    COMMAND,
    CONFIG,
    Process,
    content,
    metrics,
    regular_steps,
    summary,
    train_here,
    write_config,
)
from training import checkpoint, manifest, source
from training.errors import NoMemory, Refused
from training.metrics import Averages

ROOT = Path(__file__).parents[2]


def test_first_lines_say_what_runs_where(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert train_here(tmp_path / "run", total_steps=100) == 0
    lines = capfd.readouterr().out.splitlines()
    assert re.match(r"devices: \d+ x ", lines[0])
    assert lines[1].startswith("versions: python 3.")
    assert {"jax", "jaxlib", "flax", "optax", "numpy"} <= set(re.findall(r"[a-z]+", lines[1]))
    assert lines[2] == "seed: 3"
    assert re.fullmatch(r"source: [0-9a-f]{64}", lines[3])
    assert lines[4] == f"config: {tmp_path}/run-config/config.json (task toy)"
    assert lines[5] == f"starts at step 0 of 100 in {tmp_path}/run"
    assert lines[-1] == "complete at step 104 of 100: all steps are done"


def test_summary_says_how_it_ended_and_what_is_left(reference: Path) -> None:
    told = summary(reference)
    assert (told["state"], told["exit_code"], told["step"]) == ("complete", 0, 4000)
    assert [each["step"] for each in told["checkpoints"]] == [1000, 2000, 3000, 4000]
    assert all(re.fullmatch("[0-9a-f]{64}", each["sha256"]) for each in told["checkpoints"])
    assert told["config"]["toy"]["learning"] == {"learning_rate": 0.05, "optimizer": "adam"}
    assert told["versions"].keys() == source.versions().keys()
    assert told["source_hash"] == source.source_hash()
    evaluated = [line["expected"] for line in metrics(reference) if "expected" in line]
    assert told["metrics"]["expected"] == evaluated[-1]


def test_checkpoints_say_what_they_are_of(reference: Path) -> None:
    found = manifest.read(checkpoint.regular(reference, 4000))
    assert (found.task, found.step) == ("toy", 4000)
    assert found.environment == {"name": "bandit", "version": "1.0", "configuration": {}}
    assert found.versions["environment"] == "1.0"


def test_the_toy_learns(reference: Path) -> None:
    """An untrained one pulls the right arm of four in a quarter of its pulls."""
    assert summary(reference)["metrics"]["expected"] > 0.45


def test_a_line_for_every_multiple_crossed_and_every_evaluation(reference: Path) -> None:
    steps = [line["step"] for line in metrics(reference)]
    logged = {-(-multiple // 8) * 8 for multiple in range(300, 4000, 300)}
    evaluated = {-(-multiple // 8) * 8 for multiple in range(700, 4001, 700)}
    assert steps == sorted(logged | evaluated)
    assert {line["step"] for line in metrics(reference) if "expected" in line} == evaluated


def test_lines_are_means_over_their_updates(tmp_path: Path, reference: Path) -> None:
    out = tmp_path / "run"
    assert train_here(out, log_interval=8, total_steps=304) == 0
    each = metrics(out)
    line = metrics(reference)[0]
    assert line["updates"] == len(each) == 38
    for name in ("loss", "reward"):
        assert line[name] == sum(one[name] for one in each) / 38


def test_averages_do_not_depend_on_where_they_were_cut() -> None:
    values = [{"loss": 0.1 * i} for i in range(7)]
    whole = Averages()
    for value in values:
        whole = whole.add(value)
    assert whole.means() == {"loss": sum(value["loss"] for value in values) / 7}


def test_keep_is_how_many_checkpoints_stay(tmp_path: Path) -> None:
    out = tmp_path / "run"
    assert train_here(out, total_steps=1000, save_interval=100, keep=2) == 0
    assert regular_steps(out) == [904, 1000]


def test_fault_of_an_update_fails_the_run_and_keeps_its_checkpoints(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    toy = {"fail_at": 1500}
    assert train_here(out, toy=toy) == 1
    told = capfd.readouterr()
    assert "the toy broke" in told.err
    assert "Traceback" in told.err
    assert "Traceback" not in told.out
    assert summary(out)["state"] == "failed"
    assert "lost with the update" in summary(out)["reason"]
    assert regular_steps(out) == [1000]


@pytest.mark.slow
def test_fault_between_updates_saves_the_last_state(tmp_path: Path, reference: Path) -> None:
    out = tmp_path / "run"
    toy = {**CONFIG["toy"], "fail_at": 1500, "fail_in": "evaluate"}
    assert train_here(out, toy=toy) == 1
    assert summary(out)["reason"].endswith("saved emergency_step_2104.safetensors.")
    assert summary(out)["step"] == 2104
    saved = content(checkpoint.emergency(out, 2104))
    assert saved[1]["evaluated"] == 1400, "the evaluation that failed is still due"


def test_diverged_run_fails_and_keeps_its_sound_checkpoints(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    toy = {"learning": {"learning_rate": 1e38, "optimizer": "sgd"}}
    assert train_here(out, toy=toy) == 1
    told = capfd.readouterr().err
    assert "The metric loss is no finite number any more." in told
    assert "NaN or infinite weights" in summary(out)["reason"]
    assert metrics(out)[0]["loss"] is None
    assert checkpoint.candidates(out) == []


def test_metrics_that_cannot_be_written_are_kept_and_written_later(
    tmp_path: Path, reference: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out, disk = tmp_path / "run", tmp_path / "disk"
    out.mkdir()
    (out / "metrics.jsonl").symlink_to(disk / "metrics.jsonl")
    assert train_here(out) == 0
    told = capfd.readouterr().err
    assert "metrics.jsonl cannot be written (No such file or directory); the run goes on" in told
    assert f"{len(metrics(reference))} lines are missing in metrics.jsonl" in told
    disk.mkdir()
    assert train_here(out) == 0
    assert metrics(out) == metrics(reference)
    assert train_here(out) == 0
    assert metrics(out) == metrics(reference), "not twice"


def test_full_disk_is_told_and_the_run_goes_on(tmp_path: Path, reference: Path) -> None:
    out = tmp_path / "run"
    run = Process(out)
    run.wait_for(lambda: regular_steps(out) == [1000])
    unlimited = resource.prlimit(run.popen.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(run.popen.pid, resource.RLIMIT_FSIZE, (1000, unlimited[1]))
    run.wait_for(lambda: any("step_2000.safetensors was not saved" in e for e in run.errors))
    resource.prlimit(run.popen.pid, resource.RLIMIT_FSIZE, unlimited)
    assert run.code() == 0
    assert any("metrics.jsonl cannot be written" in each for each in run.errors)
    assert metrics(out) == metrics(reference)
    last = checkpoint.regular(out, 4000)
    assert content(last)[0] == content(checkpoint.regular(reference, 4000))[0]


def test_more_memory_than_there_is_names_the_knobs(tmp_path: Path) -> None:
    with pytest.raises(NoMemory) as caught:
        train_here(tmp_path / "run", toy={"buffer": 10**13})
    sentence = str(caught.value)
    assert re.match(r"This run needs 109 TiB of memory and [0-9.]+ [MGT]iB are free: ", sentence)
    assert sentence.endswith('turn down "toy.buffer" (now 10000000000000), "toy.batch" (now 8).')
    assert not (tmp_path / "run" / "summary.json").exists()


def test_more_steps_than_the_task_can_count_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="at most 2147483647 for toy"):
        train_here(tmp_path / "run", total_steps=3_000_000_000)


@pytest.mark.parametrize("device", ["gpu", "tpu"])
def test_device_that_is_not_there_is_refused_unless_any_will_do(
    tmp_path: Path, device: str
) -> None:
    if any(each.platform == device for each in jax.devices()):
        pytest.skip(f"there is a {device}")
    with pytest.raises(Refused, match=f"There is no {device} here .*--set device=any"):
        train_here(tmp_path / "run", device=device)
    assert not (tmp_path / "run").exists()
    assert train_here(tmp_path / "run", "device=any", device=device, total_steps=8) == 0


def test_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Refused, match="cannot be written to"):
        train_here(tmp_path / "file")


def test_refused_run_leaves_no_new_folder(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="does not exist"):
        train_here(tmp_path / "run", resume=str(tmp_path / "gone.safetensors"))
    assert not (tmp_path / "run").exists()


def test_runs_from_a_zip_without_tqdm(tmp_path: Path, reference: Path) -> None:
    archive = tmp_path / "code.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for package in ("training", "evaluation", "tests/training"):
            for path in sorted((ROOT / package).rglob("*")):
                if path.suffix in (".py", ".json"):
                    packed.write(path, path.relative_to(ROOT))
        packed.writestr("tests/__init__.py", "")
        packed.writestr("tqdm.py", "raise ImportError")
    config, out = write_config(tmp_path / "config"), tmp_path / "run"
    done = subprocess.run(
        [*COMMAND, str(config), "--out", str(out)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(archive), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert f"source: {source.source_hash.__wrapped__()}\n" in done.stdout
    assert metrics(out) == metrics(reference)

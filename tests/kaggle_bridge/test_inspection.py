"""Inspection: of what strangers' machines have left only what is sound counts, and safely."""

import io
import json
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

from evaluation import bundle
from evaluation.match import AgentSpec, EpisodeSpec, play_episode
from kaggle_bridge.inspecting import inspection
from kaggle_bridge.inspecting.inspection import InspectionError, InspectionFault
from tests.kaggle_bridge.hand_made import (
    TOKEN,
    Output,
    entry,
    version,
    weights,
    write_checkpoint,
)


@pytest.fixture
def output(tmp_path) -> Output:
    return Output(tmp_path / "output")


def look(output: Output, **changes) -> inspection.Found:
    return inspection.look_at_output(output.seal(**changes), 1, TOKEN)


# What is sound.


def test_a_sound_output_is_told_whole(output) -> None:
    wanted = output.checkpoint(500, arena=1234.5)
    resume = output.checkpoint(620, kind="resume")
    output.lines({"step": 100, "loss": 0.5, "none": None, "seconds": 1.5})
    output.result(step=620, exit_code=0, reason="all steps are done", report={"devices": "1 cpu"})
    found = look(output)
    assert (found.state, found.step, found.problems) == ("complete", 620, ())
    first, second = found.checkpoints
    assert (first.path, first.step, first.arena) == (wanted, 500, 1234.5)
    assert (first.is_wanted, first.is_resume) == (True, False)
    assert (second.path, second.is_wanted, second.is_resume) == (resume, False, True)
    assert {"sha256": first.sha256, "size_bytes": first.size_bytes} == entry(wanted)
    assert first.manifest["environment"]["name"] == "tictactoe"
    assert first.manifest["source_hash"] == "5" * 64
    assert found.metrics == ({"step": 100, "loss": 0.5, "none": None, "seconds": 1.5},)
    assert found.result == {
        "state": "complete", "step": 620, "exit_code": 0, "reason": "all steps are done",
        "report": {"devices": "1 cpu"},
    }  # fmt: skip


def test_one_step_is_one_checkpoint_and_the_wanted_file_stands_for_it(output) -> None:
    output.checkpoint(500, kind="resume")
    wanted = output.checkpoint(500)
    (one,) = look(output).checkpoints
    assert (one.path, one.is_wanted, one.is_resume) == (wanted, True, True)


def test_a_session_that_was_killed_counts_as_far_as_it_came(output) -> None:
    output.checkpoint(300)
    metrics = output.lines({"step": 100, "loss": 1.0})
    metrics.write_text(metrics.read_text() + '{"step": 200, "loss": 0.9}\n{"step": 250, "lo')
    found = look(output, state="running")
    assert (found.state, found.step, found.result, found.problems) == ("running", 300, {}, ())
    assert [line["step"] for line in found.metrics] == [100, 200]


def test_a_result_of_the_arena_counts_for_its_own_step_alone(output) -> None:
    output.checkpoint(200)
    output.checkpoint(300)
    output.lines(*({"step": step, "arena/elo": step + 0.5} for step in (100, 200, 400)))
    assert {each.step: each.arena for each in look(output).checkpoints} == {200: 200.5, 300: None}


# What is not.


def test_without_a_manifest_nothing_counts(output) -> None:
    output.checkpoint(500)
    found = inspection.look_at_output(output.folder, 1, TOKEN)
    assert (found.state, found.checkpoints) == ("", ())
    assert found.problems == ("There is no manifest.json in the output.",)


@pytest.mark.parametrize("other", [{"run": 2}, {"token": "f" * 16}, {"token": None}])
def test_what_is_of_another_session_does_not_count(output, other) -> None:
    output.checkpoint(500)
    found = look(output, **other)
    assert (found.state, found.checkpoints) == ("", ())
    assert "of another session" in found.problems[0]


@pytest.mark.parametrize(
    "text",
    [
        b"", b"\xff\xfe", b'{"schema": 1, "state": "complete"}', b"[" * 100_000,
        b'{"schema": 1, "step": ' + b"9" * 5000 + b"}", b" " * 300_000 + b"{}",
        json.dumps(
            {"schema": 1, "run": 1, "token": TOKEN, "state": "complete", "step": 1}
            | {"files": {f"f{n}": {} for n in range(101)}}
        ).encode(),
    ],
)  # fmt: skip
def test_garbage_is_no_manifest(output, text) -> None:
    (output.folder / "manifest.json").write_bytes(text)
    found = inspection.look_at_output(output.folder, 1, TOKEN)
    assert (found.state, found.checkpoints, len(found.problems)) == ("", (), 1)


def damage(output: Output, step: int) -> None:
    path = output.checkpoint(step)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def damage_before_it_was_listed(output: Output, step: int) -> None:
    damage(output, step)
    name = f"checkpoints/step_{step}.safetensors"
    output.files[name] |= entry(output.folder / name)


def cut_short(output: Output, step: int) -> None:
    path = output.checkpoint(step)
    path.write_bytes(path.read_bytes()[:-100])


def lose(output: Output, step: int) -> None:
    output.checkpoint(step).unlink()


def say_another_step(output: Output, step: int) -> None:
    output.checkpoint(step)
    output.files[f"checkpoints/step_{step}.safetensors"]["step"] = step + 1


def hold_nan(output: Output, step: int) -> None:
    bias = np.full(1, np.nan, np.float32)
    output.checkpoint(step, tensors=weights() | {"params/value/bias": bias})


def be_a_pickle(output: Output, step: int) -> None:
    output.add(f"checkpoints/step_{step}.safetensors", pickle.dumps([step]))


def be_a_link(output: Output, step: int) -> None:
    path = output.checkpoint(step)
    path.rename(output.folder.parent / "elsewhere")
    path.symlink_to(output.folder.parent / "elsewhere")


def be_a_pipe(output: Output, step: int) -> None:
    lose(output, step)
    os.mkfifo(output.folder / f"checkpoints/step_{step}.safetensors")


def lie_behind_a_link(output: Output, step: int) -> None:
    other = Output(output.folder.parent / "other")
    other.checkpoint(step, kind="resume")
    (output.folder / "resume").symlink_to(other.folder / "resume")
    output.files |= other.files


def lie_outside(output: Output, step: int) -> None:
    path = write_checkpoint(output.folder.parent / f"step_{step}.safetensors", step)
    output.files[f"checkpoints/../../step_{step}.safetensors"] = entry(path)


def lie_at_an_absolute_path(output: Output, step: int) -> None:
    path = write_checkpoint(output.folder.parent / f"{step}.safetensors", step)
    output.files[str(path)] = entry(path)


def be_no_entry(output: Output, step: int) -> None:
    output.checkpoint(step)
    output.files[f"checkpoints/step_{step}.safetensors"] = {"size_bytes": "many"}


BAD = (
    damage, damage_before_it_was_listed, cut_short, lose, say_another_step, hold_nan, be_a_pickle,
    be_a_link, be_a_pipe, lie_behind_a_link, lie_outside, lie_at_an_absolute_path, be_no_entry,
)  # fmt: skip


def test_bad_files_among_good_ones_are_named_and_left_out(output) -> None:
    output.checkpoint(500)
    for step, spoil in enumerate(BAD, 401):
        spoil(output, step)
    found = look(output)
    assert [each.step for each in found.checkpoints] == [500]
    assert len(found.problems) == len(BAD)
    for step, spoil in enumerate(BAD, 401):
        assert any(str(step) in problem for problem in found.problems), spoil


def test_nan_weights_are_told_as_such(output) -> None:
    hold_nan(output, 400)
    (problem,) = look(output).problems
    assert "NaN or infinite weights in params/value/bias" in problem


def test_of_metrics_only_numbers_and_bounded_events_stay(output) -> None:
    event = {"kind": "jump", "metric": "loss", "z": 5.0}
    output.lines(
        "nonsense", "[]", '{"step": "1"}', '{"step": -1}', '{"step": true}', '{"step": 1e3}',
        '{"step": 5, "loss": NaN}', '{"step": 6, "loss": Infinity}', "[" * 60_000,
        f'{{"step": {"9" * 30}}}', '{"step": 7, "text": "x\\u0000"}', '{"step": 8, "x": "\\ud800"}',
        {"step": 1, "loss": 0.5, "text": "no", "list": [1], "yes": True, "big": 10**400},
        {"step": 2, "events": [event, "no"]},
        {"step": 3, "events": [event] * 1000, "loss": 1},
        {"step": 4} | {f"name{n}": n for n in range(500)},
        {"step": 9, "long": 1, "pad": "x" * 70_000},
    )  # fmt: skip
    found = look(output)
    assert found.problems == ()
    by_step = {line["step"]: line for line in found.metrics}
    assert by_step.keys() == {1, 2, 3, 4}
    assert by_step[1] == {"step": 1, "loss": 0.5}
    assert by_step[2] == {"step": 2, "events": [event]}
    assert by_step[3] == {"step": 3, "loss": 1}
    assert len(by_step[4]) <= 201


def test_too_many_metrics_are_cut_and_too_large_a_file_is_not_read(output) -> None:
    output.lines(*('{"step": 1}' for _ in range(20_001)))
    found = look(output)
    assert len(found.metrics) == 20_000
    assert "more than 20,000 lines" in found.problems[0]
    with (output.folder / "metrics.jsonl").open("r+b") as file:
        file.truncate(40 << 20)
    found = look(output)
    assert found.metrics == ()
    assert "larger than 32 MB" in found.problems[0]


def test_a_damaged_copy_of_the_metrics_is_noticed(output) -> None:
    path = output.lines({"step": 1}, {"step": 2})
    path.write_text('{"step": 1}\n')
    assert "metrics.jsonl is not the file" in look(output).problems[0]


def test_of_a_result_only_what_a_kernel_says_stays(output) -> None:
    output.result(step="5", reason="x" * 1000, exit_code=True, other=1, report=[1], seconds=1.5)
    assert look(output).result == {"state": "complete", "reason": "x" * 500, "seconds": 1.5}
    output.result(state="failed")
    assert look(output).result == {}  # the manifest knows nothing of it
    output.add("result.json", b"{")
    assert "result.json" in look(output).problems[0]


# Uploads.


def zipped(folder: Path, prefix: str = "") -> Path:
    target = folder.parent / "upload.zip"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, f"{prefix}{path.relative_to(folder)}")
    return target


def look_at_zip(file: Path) -> inspection.Found:
    into = file.parent / "into"
    into.mkdir()
    return inspection.look_at_upload(file, "Output.ZIP", into)


@pytest.mark.parametrize("prefix", ["", "output/", "a/b/"])
def test_a_zip_of_an_output_is_looked_at_as_the_output(output, prefix) -> None:
    output.checkpoint(500)
    output.lines({"step": 1, "loss": 2.0})
    found = look_at_zip(zipped(output.seal(run=77), prefix))
    assert [each.step for each in found.checkpoints] == [500]
    assert found.checkpoints[0].path.is_file()
    assert found.problems == ()
    assert found.metrics == ({"step": 1, "loss": 2.0},)


def test_a_checkpoint_by_itself_is_wanted(tmp_path) -> None:
    path = write_checkpoint(tmp_path / "some name.safetensors", 700, arena=900)
    found = inspection.look_at_upload(path, "step_700.safetensors", tmp_path)
    (one,) = found.checkpoints
    assert (one.path, one.step, one.is_wanted, one.is_resume) == (path, 700, True, True)
    assert (found.state, found.step, one.arena) == ("", 700, 900)


def test_a_bad_checkpoint_by_itself_is_refused_with_a_sentence(tmp_path) -> None:
    path = tmp_path / "upload.safetensors"
    path.write_bytes(pickle.dumps([1]))
    with pytest.raises(InspectionError, match="a pickle, which could run any code"):
        inspection.look_at_upload(path, "x.safetensors", tmp_path)


def test_a_zip_brings_nothing_out_of_its_folder(output) -> None:
    path = output.checkpoint(500)
    file = zipped(output.seal())
    link = zipfile.ZipInfo("resume/step_600.safetensors")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr(link, "/etc/passwd")
        archive.writestr("checkpoints/../../escaped.safetensors", path.read_bytes())
        archive.writestr("/absolute.safetensors", path.read_bytes())
        archive.writestr("other.txt", b"x")
    found = look_at_zip(file)
    assert [each.step for each in found.checkpoints] == [500]
    into = output.folder.parent / "into"
    files = {str(path.relative_to(into)) for path in into.rglob("*") if path.is_file()}
    assert files == {"manifest.json", "checkpoints/step_500.safetensors"}
    assert not any(output.folder.parents[1].rglob("*escaped*"))


def test_bombs_are_cut_off(output) -> None:
    output.checkpoint(500)
    file = zipped(output.seal())
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("metrics.jsonl", bytes(40 << 20))
    assert file.stat().st_size < 1 << 20
    with pytest.raises(InspectionError, match="larger than the 33,554,432 bytes"):
        look_at_zip(file)


def many_files() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for number in range(1001):
            archive.writestr(f"{number}", b"")
    return packed.getvalue()


def without_a_manifest() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("step_1.safetensors", b"")
    return packed.getvalue()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"PK nonsense", "cannot be read"),
        (many_files()[:-50], "cannot be read"),
        (many_files(), "1,001 files"),
        (without_a_manifest(), "no manifest.json in the archive"),
    ],
)
def test_other_archives_are_refused_with_a_sentence(tmp_path, content, sentence) -> None:
    file = tmp_path / "upload.zip"
    file.write_bytes(content)
    with pytest.raises(InspectionError, match=sentence):
        look_at_zip(file)


def test_of_a_locked_archive_nothing_is_read(output) -> None:
    output.checkpoint(500)
    file = zipped(output.seal())
    content = file.read_bytes()
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        head, *parts = content.split(mark)
        at = place - len(mark)
        marked = [part[:at] + bytes([part[at] | 1]) + part[at + 1 :] for part in parts]
        content = mark.join([head, *marked])
    file.write_bytes(content)
    found = look_at_zip(file)
    assert (found.state, found.checkpoints, len(found.problems)) == ("", (), 1)


# The child itself.


def busy(output: Output, megabytes: int = 500) -> None:
    """An output that takes a while to look at."""
    path = output.checkpoint(500)
    with path.open("r+b") as file:
        file.truncate(megabytes << 20)
    output.files["checkpoints/step_500.safetensors"]["size_bytes"] = megabytes << 20


def child_of(parent: int) -> int:
    """The process that looks, once it keeps its limits."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        for path in Path("/proc").glob("[0-9]*"):
            try:
                is_child = f"PPid:\t{parent}\n" in (path / "status").read_text()
                bound = "2147483648" in (path / "limits").read_text()
                if (
                    is_child
                    and bound
                    and b"kaggle_bridge.inspecting.examine" in (path / "cmdline").read_bytes()
                ):
                    return int(path.name)
            except OSError:
                continue
    raise AssertionError("no child has appeared")


def test_the_child_sees_no_secret_keeps_its_limits_and_may_die(output, monkeypatch) -> None:
    for name in ("KAGGLE_KEY", "SECRET_KEY", "DATABASE_URL", "REDIS_URL", "HOME"):
        monkeypatch.setenv(name, "secret-value")
    seen: dict[str, str] = {}

    def watch() -> None:
        pid = child_of(os.getpid())
        seen["environ"] = Path(f"/proc/{pid}/environ").read_text()
        seen["limits"] = Path(f"/proc/{pid}/limits").read_text()
        os.kill(pid, signal.SIGKILL)

    busy(output)
    folder = output.seal()
    watcher = threading.Thread(target=watch)
    watcher.start()
    with pytest.raises(InspectionFault, match="code -9"):
        inspection.look_at_output(folder, 1, TOKEN)
    watcher.join()
    names = {line.partition("=")[0] for line in seen["environ"].split("\0") if line}
    assert names <= {"PATH", "LANG", "PYTHONPATH"}
    assert "secret-value" not in seen["environ"]
    limits = {line[:26].strip(): line[26:].split()[:2] for line in seen["limits"].splitlines()}
    assert limits["Max address space"] == ["2147483648"] * 2
    assert limits["Max file size"] == [str(1 << 30)] * 2
    assert limits["Max cpu time"] == ["300", "300"]


def test_the_child_dies_with_its_parent(output) -> None:
    busy(output)
    script = (
        "import django; django.setup()\n"
        "from pathlib import Path\n"
        "from kaggle_bridge.inspecting.inspection import look_at_output\n"
        f"look_at_output(Path({str(output.seal())!r}), 1, {TOKEN!r})\n"
    )
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"}
    parent = subprocess.Popen([sys.executable, "-c", script], env=environment)
    child = child_of(parent.pid)
    parent.kill()
    parent.wait()
    end = time.monotonic() + 5
    while Path(f"/proc/{child}").exists() and "Z" not in _state(child):
        assert time.monotonic() < end
        time.sleep(0.01)


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"


def test_what_takes_too_long_is_our_fault(output, monkeypatch) -> None:
    monkeypatch.setattr(inspection, "WALL_S", 0.05)
    with pytest.raises(InspectionFault, match=r"longer than 0\.05 seconds"):
        look(output)


def test_no_memory_is_our_fault(output, monkeypatch) -> None:
    output.checkpoint(500)
    monkeypatch.setattr(inspection, "MEMORY_BYTES", 64 << 20)
    with pytest.raises(InspectionFault, match="ended with code"):
        look(output)


# Agents.


def test_an_exported_agent_plays_and_has_the_same_bytes_each_time(tmp_path) -> None:
    checkpoint = write_checkpoint(tmp_path / "step_100.safetensors")
    agents = [
        inspection.export_agent(
            checkpoint, tmp_path / f"{number}.tar.gz", "tictactoe", version("tictactoe"), 0.01
        )
        for number in range(2)
    ]
    assert agents[0].sha256 == agents[1].sha256
    assert agents[0].size_bytes == agents[0].path.stat().st_size
    main = bundle.unpack(agents[0].path, "agent.tar.gz", tmp_path / "agent")
    seats = [AgentSpec(str(main)), AgentSpec("random", kind="builtin")]
    result = play_episode(EpisodeSpec("tictactoe", {}, seats, seed=1))
    assert result.statuses == ["DONE", "DONE"]


def test_for_another_game_nothing_is_exported(tmp_path) -> None:
    checkpoint = write_checkpoint(tmp_path / "step_100.safetensors")
    for game in (("connectx", "1.0.0"), ("tictactoe", "0.9")):
        sentence = f"trained on tictactoe {version('tictactoe')}, not on {' '.join(game)}"
        with pytest.raises(InspectionError, match=sentence):
            inspection.export_agent(checkpoint, tmp_path / "a.tar.gz", *game, 0.01)
    assert not (tmp_path / "a.tar.gz").exists()

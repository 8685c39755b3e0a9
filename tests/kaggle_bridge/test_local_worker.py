"""The training worker: whatever ends it, nothing of a kernel runs on and its output stays."""

import os
import signal
import time
from pathlib import Path

import pytest

from kaggle_bridge.backend import Stage, Status
from kaggle_bridge.local import execution
from kaggle_bridge.local.execution import Execution, processes_of
from kaggle_bridge.local.spool import Spool, State
from kaggle_bridge.local.spool import Stage as SpoolStage
from tests.e2e.league_process import alive, family_of
from tests.kaggle_bridge.local_worker import Bench, job
from tests.stack import wait_for

# A script that waits for a child of its own, as the real one does; the child saves when asked.
FAMILY = """
import signal, subprocess, sys
child = '''
import signal, sys, time
def save(*_):
    open("saved", "w").close(); print("saved", flush=True); sys.exit(143)
signal.signal(signal.SIGTERM, save)
open("early", "w").close()
print("ready", flush=True)
time.sleep(99)
'''
signal.signal(signal.SIGTERM, lambda *_: None)
sys.exit(subprocess.run([sys.executable, "-c", child]).returncode)
"""
DEAF = """
import signal, time
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
print("ready", flush=True)
time.sleep(99)
"""
LEFT_BEHIND = Status(Stage.ERROR, "The training worker was stopped.")


@pytest.fixture
def bench(tmp_path):
    bench = Bench(tmp_path)
    yield bench
    bench.close()


def output(bench: Bench, pushed) -> tuple[str, ...]:
    return bench.backend.output(pushed.ref, pushed.version, bench.data_dir / "out").files


def test_killed_worker_leaves_no_process_and_its_successor_says_so(bench):
    worker = bench.start()
    pushed = bench.push(FAMILY)
    bench.wait_for_line(pushed, "ready")
    family = family_of(worker.pid)
    assert len(family) == 4, "worker, guardian, script and its child"
    worker.kill()
    worker.wait()
    wait_for(lambda: not any(map(alive, family)), 5, "all of it to end")
    assert bench.status(pushed).stage == Stage.RUNNING
    bench.start()
    assert bench.wait(pushed) == LEFT_BEHIND
    assert (bench.log(pushed), output(bench, pushed)) == ("ready\n", ("early",))
    assert {path.name for path in bench.folder(pushed).iterdir()} == {
        "kernel.py", "job.json", "state.json", "log.txt", "root"
    }  # fmt: skip
    assert bench.run("print(2)", slug="next")[0] == Status(Stage.COMPLETE)


def test_successor_ends_what_outlived_worker_and_guardian(bench):
    worker = bench.start()
    pushed = bench.push(FAMILY)
    bench.wait_for_line(pushed, "ready")
    found = processes_of(bench.folder(pushed))
    child = max(found, key=started)
    guardian = min(found, key=started)
    os.kill(worker.pid, signal.SIGSTOP)  # it must not see its guardian end
    os.kill(guardian, signal.SIGKILL)
    worker.kill()
    worker.wait()
    wait_for(lambda: processes_of(bench.folder(pushed)) == [child], 5, "the script to end")
    bench.start()
    assert bench.wait(pushed) == LEFT_BEHIND
    assert not alive(child)


def started(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])


def test_killed_guardian_ends_its_kernel_alone(bench):
    bench.start()
    pushed = bench.push(FAMILY)
    bench.wait_for_line(pushed, "ready")
    found = processes_of(bench.folder(pushed))
    os.kill(min(found, key=started), signal.SIGKILL)
    status = bench.wait(pushed)
    assert status.stage == Stage.ERROR
    assert "out of memory" in status.message
    assert not any(map(alive, found))
    assert bench.run("print(2)", slug="next")[0] == Status(Stage.COMPLETE)


def test_worker_that_is_told_to_end_lets_its_kernel_save(bench):
    worker = bench.start()
    pushed = bench.push(FAMILY)
    bench.wait_for_line(pushed, "ready")
    family = family_of(worker.pid)
    began = time.monotonic()
    worker.terminate()
    assert worker.wait(10) == 0
    assert time.monotonic() - began < 2
    assert not any(map(alive, family))
    assert bench.status(pushed) == Status(Stage.ERROR, "It was stopped with the worker.")
    assert bench.log(pushed) == "ready\nsaved\n"
    assert output(bench, pushed) == ("early", "saved")


def test_second_worker_waits_for_the_place_of_the_first(bench):
    first, second = bench.start(), bench.start()
    wait_for(lambda: "waits for kernels" in bench.said(), 5)
    pushed = [bench.push(DEAF.replace("99", "1"), slug=slug) for slug in ("one", "two")]
    bench.wait(pushed[0], Stage.RUNNING)
    assert bench.wait(pushed[1], Stage.QUEUED, Stage.RUNNING).stage == Stage.QUEUED
    assert bench.wait(pushed[0]) == Status(Stage.COMPLETE)
    bench.wait(pushed[1], Stage.RUNNING)
    assert bench.said().count("waits for kernels") == 1
    holder = first if len(family_of(first.pid)) > 1 else second
    other = second if holder is first else first
    holder.kill()
    assert bench.wait(pushed[1]) == LEFT_BEHIND
    assert other.poll() is None
    assert bench.run("print(3)", slug="three")[0] == Status(Stage.COMPLETE)


def test_lost_state_counts_as_an_end_nobody_saw(bench):
    pushed = bench.push("print(1)")
    (bench.folder(pushed) / "state.json").write_text('{"stage": "comp')
    bench.start()
    assert bench.wait(pushed) == Status(Stage.ERROR, "Its state was lost on the disk.")


class Running:
    """A version that runs here, without a worker around it."""

    def __init__(self, data_dir: Path, source: str) -> None:
        bench = Bench(data_dir)
        pushed = bench.push(source)
        self.version = bench.backend.spool.version("kernel", pushed.version)
        self.execution = Execution(Spool(data_dir), self.version, self.tick, lambda: False)
        self.tick_error: OSError | None = None

    def tick(self) -> None:
        if "ready" not in self.version.log.read():
            return
        if self.tick_error is not None:
            raise self.tick_error
        self.version.ask_to_stop()


def test_kernel_that_does_not_end_when_asked_is_ended_by_force(tmp_path, monkeypatch):
    monkeypatch.setattr(execution, "GRACE_S", 0.5)
    running = Running(tmp_path, DEAF)
    began = time.monotonic()
    assert running.execution.run() == State(SpoolStage.CANCELLED, "It was stopped as asked.")
    assert 0.5 < time.monotonic() - began < 5
    assert processes_of(running.version.folder) == []


def test_fault_of_the_worker_s_own_leaves_no_process(tmp_path):
    running = Running(tmp_path, DEAF)
    running.tick_error = OSError(28, "No space left on device")
    expected = State(SpoolStage.ERROR, "It could not be run: No space left on device.")
    assert running.execution.run() == expected
    assert processes_of(running.version.folder) == []
    assert not running.version.scratch.exists()


def test_log_that_cannot_be_written_does_not_end_the_run(tmp_path):
    """A folder in its place stands in for a full disk."""
    bench = Bench(tmp_path)
    version = bench.backend.spool.version("kernel", bench.push("print('a' * 100_000)").version)
    version.log.head.mkdir()
    ended = Execution(Spool(tmp_path), version, lambda: None, lambda: False).run()
    assert ended == State(SpoolStage.COMPLETE)


def test_dataset_that_went_before_the_start_is_named(tmp_path):
    bench = Bench(tmp_path)
    (tmp_path / "up").mkdir()
    (tmp_path / "up" / "a").write_text("a")
    bench.backend.upload("local/data", "data", tmp_path / "up", "", is_new=True)
    pushed = bench.backend.push(job("print(1)", inputs=("local/data/1",)))
    (bench.backend.spool.datasets / "data" / "1").rename(tmp_path / "away")
    bench.start()
    try:
        expected = "It could not be started: The dataset data/1 is not there."
        assert bench.wait(pushed) == Status(Stage.ERROR, expected)
    finally:
        bench.close()

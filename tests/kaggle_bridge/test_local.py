"""The local backend: a kernel file runs here as it would at Kaggle."""

import json
import os
import time

import pytest

from kaggle_bridge.backend import Missing, Refused, Stage, Status, Trouble
from kaggle_bridge.backends.local import LocalBackend
from tests.kaggle_bridge.local_worker import Bench, job
from tests.stack import wait_for


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    bench = Bench(tmp_path_factory.mktemp("data"))
    bench.start()
    yield bench
    bench.close()


@pytest.fixture
def backend(tmp_path):
    """Without a worker."""
    return LocalBackend(tmp_path)


def test_kernel_runs_and_its_log_and_output_are_read(bench, tmp_path):
    pushed = bench.push(
        "import os, sys\n"
        "os.makedirs('checkpoints/tiefe fische 🐟')\n"
        "open('checkpoints/tiefe fische 🐟/step_1', 'w').write('gewicht')\n"
        "open('result.json', 'w').write('{}')\n"
        "os.symlink('/etc/passwd', 'passwd')\n"
        "print('größer'); print('to stderr', file=sys.stderr)\n"
    )
    assert bench.wait(pushed) == Status(Stage.COMPLETE)
    assert bench.log(pushed).splitlines() == ["größer", "to stderr"]
    output = bench.backend.output(pushed.ref, pushed.version, tmp_path / "all")
    assert output.files == ("checkpoints/tiefe fische 🐟/step_1", "result.json")
    assert (output.folder / output.files[0]).read_text() == "gewicht"
    wanted = ["result.json", "passwd", "../kernel.py", "absent"]
    some = bench.backend.output(pushed.ref, pushed.version, tmp_path / "some", wanted)
    assert some.files == ("result.json",)
    assert os.listdir(some.folder) == ["result.json"]


def test_kernel_sees_its_root_and_no_secret(bench):
    source = "import json, os; print(json.dumps([dict(os.environ), os.getcwd(), os.nice(0)]))"
    pushed = bench.push(source)
    assert bench.wait(pushed) == Status(Stage.COMPLETE)
    environ, folder, niceness = json.loads(bench.log(pushed))
    assert environ["PALAESTRA_KAGGLE_ROOT"] == str(bench.folder(pushed) / "root")
    assert folder == str(bench.folder(pushed) / "root" / "working")
    assert niceness == min(10 + os.nice(0), 19)
    assert set(environ) <= {
        "PATH", "LD_LIBRARY_PATH", "TZ", "LANG", "HOME", "TMPDIR", "PALAESTRA_KAGGLE_ROOT",
        "LC_CTYPE",
    }  # fmt: skip


def test_inputs_are_read_only_and_gone_afterwards(bench, tmp_path):
    (tmp_path / "resume.json").write_text("weights")
    bench.backend.upload("local/data", "data", tmp_path, "note", is_new=True)
    assert bench.backend.dataset("local/data").version == 1
    pushed = bench.push(
        "import os, stat\n"
        "folder = os.environ['PALAESTRA_KAGGLE_ROOT'] + '/input/data'\n"
        "for path in (folder, folder + '/resume.json'):\n"
        "    print(oct(stat.S_IMODE(os.stat(path).st_mode)))\n"
        "print(open(folder + '/resume.json').read())\n",
        inputs=("local/data/1",),
    )
    assert bench.wait(pushed) == Status(Stage.COMPLETE)
    assert bench.log(pushed).splitlines() == ["0o555", "0o444", "weights"]
    left = {path.name for path in bench.folder(pushed).iterdir()}
    assert left == {"kernel.py", "job.json", "state.json", "log.txt", "root"}
    assert os.listdir(bench.folder(pushed) / "root") == ["working"]


def test_notebook_runs_as_cells_without_a_file(bench):
    cells = [
        {"cell_type": "markdown", "source": ["# not code"]},
        {"cell_type": "code", "source": ["a = 'ä'\n", "b = 1"]},
        {"cell_type": "code", "source": "print(a, b, '__file__' in globals(), __name__)"},
    ]
    status, log = bench.run(json.dumps({"cells": cells}), is_notebook=True)
    assert (status, log) == (Status(Stage.COMPLETE), "ä 1 False __main__\n")
    status, _ = bench.run('{"cells": 7}', is_notebook=True)
    assert status == Status(Stage.ERROR, "It could not be started: kernel.ipynb is not a notebook.")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("raise SystemExit(2)", "The kernel ended with exit code 2."),
        ("1 / 0", "The kernel ended with exit code 1."),
        ("import os; os.kill(os.getpid(), 11)", "ended with exit code 139 (SIGSEGV)."),
        ("import os; os.kill(os.getpid(), 9)", "the machine may have run out of memory."),
    ],
)
def test_kernel_that_fails_says_how(bench, source, message):
    status, _ = bench.run(source)
    assert status.stage == Stage.ERROR
    assert status.message.endswith(message)


def test_running_kernel_is_live_and_stops_when_asked(bench, tmp_path):
    pushed = bench.push(
        "import signal, sys, time\n"
        "def save(*_):\n"
        "    open('saved', 'w').write('yes'); print('saved'); sys.exit(143)\n"
        "signal.signal(signal.SIGTERM, save)\n"
        "open('early', 'w').write('now'); print('ready')\n"
        "while True: time.sleep(1)\n"
    )
    bench.wait_for_line(pushed, "ready")
    assert bench.status(pushed) == Status(Stage.RUNNING)
    live = bench.backend.output(pushed.ref, pushed.version, tmp_path / "live")
    assert live.files == ("early",)
    waiting = bench.push("print('never')", slug="behind")
    assert bench.backend.stop(waiting.ref, waiting.version)
    assert bench.status(waiting) == Status(Stage.CANCELLED, "It was stopped before it began.")
    assert bench.backend.stop(pushed.ref, pushed.version)
    assert bench.wait(pushed) == Status(Stage.CANCELLED, "It was stopped as asked.")
    assert bench.log(pushed) == "ready\nsaved\n"
    output = bench.backend.output(pushed.ref, pushed.version, tmp_path / "after")
    assert output.files == ("early", "saved")
    wait_for(lambda: (bench.folder(waiting) / "state.json").exists(), 5)
    assert bench.status(waiting) == Status(Stage.CANCELLED, "It was stopped before it began.")
    assert bench.log(waiting) == ""


def test_kernel_whose_time_is_up_is_asked_to_end_and_its_output_stays(bench, tmp_path):
    pushed = bench.push(
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: (open('saved', 'w').close(), sys.exit(0)))\n"
        "while True: time.sleep(1)\n",
        timeout_s=1,
    )
    assert bench.wait(pushed) == Status(Stage.ERROR, "The session's time of 1 s was up.")
    assert bench.backend.output(pushed.ref, pushed.version, tmp_path).files == ("saved",)


def test_full_log_ends_with_the_last_words(bench):
    source = "for n in range(100_000): print(n, 'x' * 90)\nprint('the end')"
    pushed = bench.push(source)
    assert bench.wait(pushed) == Status(Stage.COMPLETE)
    log = bench.log(pushed)
    assert log.startswith("0 xxx")
    assert log.endswith("the end\n")
    assert len(log) < 5 << 20


def test_processes_that_a_kernel_leaves_end_with_it(bench):
    source = (
        "import subprocess\n"
        "child = subprocess.Popen(['sleep', '99'], start_new_session=True, env={})\n"
        "print(child.pid)\n"
    )
    status, log = bench.run(source)
    assert status == Status(Stage.COMPLETE)
    assert not os.path.exists(f"/proc/{log.strip()}")


def test_garbage_beside_does_not_stop_the_worker(bench):
    """Also where the version that cannot be read is the oldest."""
    spool = bench.backend.spool
    for name, content in (("torn", b'{"timeout'), ("odd", b'{"timeout_s": []}')):
        folder = spool.kernels / name / "1"
        folder.mkdir(parents=True)
        (folder / "job.json").write_bytes(content)
    (spool.kernels / "bare" / "1").mkdir(parents=True)
    (spool.kernels / "a-file").write_text("x")
    status, log = bench.run("print('still here')", slug="after")
    assert (status.stage, log) == (Stage.COMPLETE, "still here\n")
    for name in ("torn", "odd"):
        assert bench.backend.status(f"local/{name}", 1).stage == Stage.ERROR
    bare = bench.backend.status("local/bare", 1)
    assert bare == Status(Stage.ERROR, "It could not be run: No such file or directory.")


def test_versions_run_in_the_order_they_were_pushed(bench):
    pushed = [bench.push("import time; print(time.time_ns())", slug=slug) for slug in "zay"]
    for each in pushed:
        bench.wait(each)
    times = [int(bench.log(each)) for each in pushed]
    assert times == sorted(times)


def test_living_worker_is_no_problem(bench):
    wait_for(lambda: bench.backend.facts().problem == "", 5)
    assert bench.backend.facts().owner == "local"


def test_missing_worker_is_a_problem_before_the_first_and_after_the_last(backend):
    assert "No training worker runs" in backend.facts().problem
    backend.spool.beat()
    assert backend.facts().problem == ""
    os.utime(backend.spool.folder / "beat", (0, time.time() - 60))
    assert "No training worker runs" in backend.facts().problem


def test_push_is_found_by_its_token_in_the_newest_version_only(backend):
    assert backend.find("local/kernel", "t-1") is None
    backend.push(job("# t-1\n"))
    assert backend.find("local/kernel", "t-1").version == 1
    backend.push(job("# t-2\n"))
    assert backend.find("local/kernel", "t-1") is None
    found = backend.find("local/kernel", "t-2")
    assert (found.ref, found.version) == ("local/kernel", 2)


def test_push_with_a_dataset_that_is_not_there_is_refused(backend):
    with pytest.raises(Refused, match="no dataset local/data/1 to run with"):
        backend.push(job("", inputs=("local/data/1",)))
    assert list(backend.spool.versions()) == []


@pytest.mark.parametrize("slug", ["../../x", "Two Words", ""])
def test_ref_that_is_no_name_is_refused(backend, slug):
    with pytest.raises(Refused):
        backend.push(job("", slug=f"{slug} "))


def test_source_that_is_no_text_is_refused(backend):
    with pytest.raises(Refused, match="not Unicode"):
        backend.push(job("\ud800"))


def test_what_is_not_there_is_missing(backend, tmp_path):
    for call in (backend.status, backend.log, backend.stop):
        with pytest.raises(Missing):
            call("local/kernel", 1)
    with pytest.raises(Missing):
        backend.output("local/kernel", 1, tmp_path)
    assert backend.dataset("local/data") is None


def test_dataset_is_new_once(backend, tmp_path):
    folder = tmp_path / "up"
    folder.mkdir()
    (folder / "a").write_text("a")
    with pytest.raises(Missing):
        backend.upload("local/data", "data", folder, "", is_new=False)
    backend.upload("local/data", "data", folder, "", is_new=True)
    with pytest.raises(Refused, match="already"):
        backend.upload("local/data", "data", folder, "", is_new=True)
    backend.upload("local/data", "data", folder, "", is_new=False)
    assert backend.dataset("local/data").version == 2


def test_torn_state_is_unknown_to_the_backend(backend):
    backend.push(job(""))
    version = backend.spool.newest("kernel")
    (version.folder / "state.json").write_text('{"stage": "comp')
    assert backend.status("local/kernel", 1).stage == Stage.UNKNOWN


def test_fault_of_the_disk_is_trouble_without_a_path(tmp_path):
    (tmp_path / "training").write_text("a file in the way")
    backend = LocalBackend(tmp_path)
    with pytest.raises(Trouble, match=r"cannot be used: Not a directory\.$"):
        backend.push(job(""))
    assert backend.facts().problem.endswith("cannot be used: Not a directory.")

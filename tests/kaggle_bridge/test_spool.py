"""The spool: what it holds is whole, its numbers are given once, and what is old goes."""

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from kaggle_bridge.local.bounded_log import BoundedLog
from kaggle_bridge.local.pruning import KEPT_S, prune
from kaggle_bridge.local.spool import Job, Spool, Stage, State, Unreadable, Version

JOB = Job(60.0, ("data/1",), 5)


@pytest.fixture
def spool(tmp_path):
    return Spool(tmp_path)


def pushed(spool: Spool, slug: str = "kernel") -> Version:
    version = spool.version(slug, spool.push(slug, "print(1)", JOB, False))
    assert version is not None
    return version


def test_version_is_what_was_pushed(spool):
    number = spool.push("kernel", "print('zürich 🐟')", JOB, is_notebook=False)
    version = spool.newest("kernel")
    assert (number, version.number, version.slug) == (1, 1, "kernel")
    assert version.job() == JOB
    assert version.state() == State(Stage.QUEUED)
    assert version.kernel.read_text(encoding="utf-8") == "print('zürich 🐟')"


PUSH = """
import sys
from pathlib import Path
from kaggle_bridge.local.spool import Job, Spool
spool = Spool(Path(sys.argv[1]))
for n in range(20):
    source = f"{sys.argv[2]}-{n}"
    print(spool.push("kernel", source, Job(1.0), False), source)
"""


def test_concurrent_pushes_get_a_number_each(tmp_path):
    """Threads of one process would not do: the site and a shell may push at once."""
    command = [sys.executable, "-c", PUSH, str(tmp_path)]
    with ThreadPoolExecutor() as pool:
        outputs = pool.map(
            lambda name: subprocess.check_output([*command, name], text=True), "abcd"
        )
        given = dict(line.split() for output in outputs for line in output.splitlines())
    assert sorted(map(int, given)) == list(range(1, 81))
    kernels = tmp_path / "training" / "spool" / "kernels" / "kernel"
    assert {path.name for path in kernels.iterdir()} == set(given)
    assert all((kernels / n / "kernel.py").read_text() == source for n, source in given.items())


@pytest.mark.parametrize("slug", ["", "..", "a/b", "Ä", "-a", ".new-x", "a" * 200])
def test_name_that_could_leave_its_folder_is_refused(spool, slug):
    with pytest.raises(Unreadable, match="is no name"):
        spool.push(slug, "", JOB, is_notebook=False)
    assert spool.folder.exists() is False


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"[]", b"\xff", b"null", b'{"timeout_s": 1}', b"[" * 100_000,
        b'{"timeout_s": "x", "inputs": [], "pushed_ns": 1}',
        b'{"timeout_s": 1, "inputs": 5, "pushed_ns": 1}',
        b'{"timeout_s": NaN, "inputs": [], "pushed_ns": 1}',
        b'{"timeout_s": 1, "inputs": [], "pushed_ns": Infinity}',
    ],
    ids=range(11),
)  # fmt: skip
def test_garbage_in_a_job_is_said(spool, content):
    version = pushed(spool)
    (version.folder / "job.json").write_bytes(content)
    with pytest.raises(Unreadable, match=r"job\.json"):
        version.job()


@pytest.mark.parametrize("content", [b"", b'{"stage": "runn', b'{"stage": "asleep"}', b"7"])
def test_torn_state_is_said(spool, content):
    version = pushed(spool)
    (version.folder / "state.json").write_bytes(content)
    with pytest.raises(Unreadable, match=r"state\.json"):
        version.state()


def test_state_is_replaced_at_once(spool):
    """Whoever reads meanwhile sees one or the other."""
    version = pushed(spool)
    states = [State(Stage.RUNNING, "x" * n, 1.5) for n in (1, 50_000)]
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(lambda: [version.set_state(states[n % 2]) for n in range(100)])
        seen = []
        while not writing.done():
            seen.append(version.state())
    assert writing.exception() is None
    assert set(seen) <= {State(Stage.QUEUED), *states}


def test_files_of_other_names_are_no_versions(spool):
    version = pushed(spool)
    for name in ("0", "01", ".new-abc", "x", "²"):
        (version.folder.parent / name).mkdir()
    (version.folder.parent / "2").write_text("a file")
    assert [each.folder for each in spool.versions()] == [version.folder]
    assert pushed(spool).number == 3


def test_dataset_is_a_copy_of_a_folder_s_files(spool, tmp_path):
    folder = tmp_path / "up"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.txt").write_text("a")
    (folder / "link").symlink_to("/etc/passwd")
    assert spool.newest_dataset("data") == 0
    assert [spool.upload("data", folder), spool.upload("data", folder)] == [1, 2]
    assert spool.newest_dataset("data") == 2
    assert [path.name for path in spool.dataset("data/2").iterdir()] == ["a.txt"]
    assert [spool.dataset(f"data/{n}") for n in ("3", "", "²", "../1")] == [None] * 4
    (folder / "a.txt").unlink()
    with pytest.raises(Unreadable, match="no file"):
        spool.upload("data", folder)
    assert len(list((spool.datasets / "data").iterdir())) == 2, "nothing half filled stays"


def made_old(path: Path) -> None:
    os.utime(path, (0, time.time() - KEPT_S - 60))


def test_old_versions_go_and_the_newest_and_what_has_not_ended_stay(spool):
    versions = [pushed(spool) for _ in range(5)]
    for version, stage in zip(versions, ("complete", "running", "", "error", "error"), strict=True):
        if stage:
            version.set_state(State(Stage(stage)))
        inputs = version.root / "input" / "data"
        inputs.mkdir(parents=True)
        inputs.chmod(0o555)
        made_old(version.folder)
    fresh = [pushed(spool, "fresh") for _ in range(2)]
    for version in fresh:
        version.set_state(State(Stage.COMPLETE))
    assert prune(spool, time.time()) == 2
    assert {(each.slug, each.number) for each in spool.versions()} == {
        ("kernel", 2), ("kernel", 3), ("kernel", 5), ("fresh", 1), ("fresh", 2)
    }  # fmt: skip
    assert not list(spool.kernels.glob("*/.gone-*"))
    assert pushed(spool).number == 6


def test_dataset_stays_while_a_version_waits_for_it(spool, tmp_path):
    folder = tmp_path / "up"
    folder.mkdir()
    (folder / "a.txt").write_text("a")
    for _ in range(3):
        made_old(spool.datasets / "data" / str(spool.upload("data", folder)))
    version = pushed(spool)  # with data/1
    prune(spool, time.time())
    assert [bool(spool.dataset(f"data/{n}")) for n in (1, 2, 3)] == [True, False, True]
    version.set_state(State(Stage.COMPLETE))
    prune(spool, time.time())
    assert [bool(spool.dataset(f"data/{n}")) for n in (1, 2, 3)] == [False, False, True]


def test_what_a_killed_process_left_half_done_goes(spool):
    home = pushed(spool).folder.parent
    for name in (".new-old", ".new-young", ".gone-1"):
        (home / name).mkdir()
    made_old(home / ".new-old")
    prune(spool, time.time())
    assert {path.name for path in home.iterdir()} == {"1", ".new-young"}


def test_log_keeps_its_beginning_and_its_end(tmp_path):
    log = BoundedLog(tmp_path, head_bytes=1000, tail_bytes=500)
    for n in range(1000):
        log.write(b"line %4d\n" % n)
    text = log.read()
    assert text.startswith("line    0\nline    1\n")
    assert text.endswith("line  998\nline  999\n")
    assert "here a part is missing" in text
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 2000
    assert len(text) > 1500


def test_short_log_is_whole_and_says_nothing_of_itself(tmp_path):
    log = BoundedLog(tmp_path, head_bytes=10, tail_bytes=10)
    assert log.read() == ""
    log.write(b"0123456789abc")
    log.write("ü".encode())
    assert log.read() == "0123456789abcü"


def test_worker_needs_no_django_no_celery_and_no_redis():
    names = {"django", "celery", "redis", "league", "kaggle"}
    program = "import json, sys, kaggle_bridge.local.worker; print(json.dumps([*sys.modules]))"
    loaded = json.loads(subprocess.check_output([sys.executable, "-c", program]))
    assert not names & {name.partition(".")[0] for name in loaded}

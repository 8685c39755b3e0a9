"""`make run` as a whole: it starts, mends what dies, ends, and starts again as it was."""

import json
import os
import re
import signal
import stat
import subprocess
import sys
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from kaggle_bridge.backend import Job, Pushed, Stage, Status
from kaggle_bridge.backends.local import LocalBackend
from league.run import processes
from tests.e2e.league_process import (
    NAMES,
    PROJECT,
    SECRETS,
    League,
    alive,
    environment,
    family_of,
    free_port,
)
from tests.stack import wait_for

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def league(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / ("deep" * 30) / ("and per%cent ; #" + "deep" * 10)
    assert len(str(folder)) > 150
    league = League(folder)
    folder.parent.mkdir()
    league.start()
    yield league
    if league.process.poll() is None:
        league.stop(signal.SIGTERM)


def test_ready_line_says_where_and_how_to_log_in(league):
    line = rf"^Ready: http://127\.0\.0\.1:{league.port}/  \(admin: admin, password in (.+)\)$"
    path = re.search(line, league.said(), re.MULTILINE)[1]
    password = PROJECT / path
    assert len(password.read_text().strip()) >= 12
    assert stat.S_IMODE(password.stat().st_mode) == 0o600


def test_site_serves(league):
    assert league.get("/healthz")[0] == 200
    assert league.get("/")[0] == 200
    states = json.loads(league.get("/readyz")[1])
    assert {states[name] for name in states if name not in {"sandbox", "box"}} == {"ok"}
    assert states["box"]["state"] == states["sandbox"]


def test_data_folder_is_for_its_owner_only(league):
    assert stat.S_IMODE(league.data_dir.stat().st_mode) == 0o700


def test_nothing_listens_but_the_site_on_loopback(league):
    own = {
        os.readlink(link)
        for pid in family_of(league.process.pid)
        for link in Path(f"/proc/{pid}/fd").glob("*")
        if link.exists() or link.is_symlink()
    }
    listening = [
        fields[1]
        for table in ("tcp", "tcp6")
        for fields in map(str.split, Path(f"/proc/net/{table}").read_text().splitlines()[1:])
        if fields[3] == "0A" and f"socket:[{fields[9]}]" in own
    ]
    assert set(listening) == {f"0100007F:{league.port:04X}"}


@pytest.mark.parametrize("name", NAMES)
def test_process_sees_only_its_variables(league, name):
    raw = Path(f"/proc/{league.pid(name)}/environ").read_bytes()
    seen = {entry.split(b"=")[0].decode() for entry in raw.split(b"\0") if entry}
    may = set(processes.BASE)
    if name != "redis":
        site = {p.name: p for p in processes.site_processes("", league.data_dir)}
        may = set(site[name].variables)
    assert [name for name in seen if not any(fnmatchcase(name, each) for each in may)] == []
    secrets = {"SECRET_KEY", "EMAIL_URL"}
    expected = {"web": secrets, "league-worker": secrets}
    expected["bridge-worker"] = secrets | {"KAGGLE_KEY", "http_proxy"}
    assert seen & set(SECRETS) == expected.get(name, set())


def test_second_start_on_the_same_folder_is_refused(league):
    answer = refused(environment(league.data_dir, free_port()))
    assert re.fullmatch(r"Palaestra cannot start\. A league runs on .* already .*\n", answer)


def test_port_in_use_is_refused(league, tmp_path):
    answer = refused(environment(tmp_path / "var", league.port))
    assert f"Port {league.port} on 127.0.0.1 cannot be used" in answer
    assert answer.count("\n") == 1


def test_wrong_variable_is_refused_with_one_sentence(tmp_path):
    answer = refused(environment(tmp_path / "var", 8000, SIGNUP="perhaps"))
    expected = "SIGNUP must be one of open, invite, closed, not 'perhaps'."
    assert answer == f"Palaestra cannot start. {expected}\n"


def test_data_folder_that_holds_something_else_is_refused(tmp_path):
    (tmp_path / "thesis.tex").write_text("precious")
    answer = refused(environment(tmp_path, free_port()))
    assert "holds something else" in answer
    assert os.listdir(tmp_path) == ["thesis.tex"]


def refused(variables: dict[str, str]) -> str:
    command = [sys.executable, "-m", "league.run"]
    result = subprocess.run(
        command, cwd=PROJECT, env=variables, capture_output=True, text=True, timeout=60
    )
    assert result.returncode == 1
    return result.stdout + result.stderr


def test_whatever_is_killed_is_started_again(league):
    before = {name: league.pid(name) for name in NAMES}
    families = {pid for leader in before.values() for pid in family_of(leader)}
    for name in NAMES:
        os.kill(before[name], signal.SIGKILL)
        wait_for(lambda name=name: league.pid(name) != before[name], 5, f"{name} to come back")
    wait_for(league.is_ready, 30, "the site to serve again")
    played = league.rows()["league_episode"]
    wait_for(lambda: league.rows()["league_episode"] > played, 60, "a match to be recorded")
    assert not [pid for pid in families if alive(pid)]
    assert "web ended (terminated by SIGKILL) and is started again" in league.said()


KERNEL = """
import signal, subprocess, sys
asked = []
signal.signal(signal.SIGTERM, lambda *_: asked.append(open("saved", "w")))
child = subprocess.Popen(["sleep", "99"], start_new_session=True, env={})
print("ready", flush=True)
while not asked:
    signal.pause()
"""


def running_kernel(backend: LocalBackend, slug: str) -> Pushed:
    pushed = backend.push(Job(f"local/{slug}", slug, KERNEL, "token", "cpu", 99))
    wait_for(lambda: backend.log(pushed.ref, pushed.version) == "ready\n", 20, "the kernel to run")
    return pushed


def test_killed_training_worker_leaves_nothing_and_its_successor_says_so(league):
    backend = LocalBackend(league.data_dir)
    pushed = running_kernel(backend, "killed")
    worker = league.pid("training-worker")
    family = family_of(worker)
    assert len(family) == 4, "worker, guardian, kernel and its child"
    os.kill(worker, signal.SIGKILL)
    wait_for(lambda: not any(map(alive, family)), 10, "all of it to end")
    left = Status(Stage.ERROR, "The training worker was stopped.")
    wait_for(lambda: backend.status(pushed.ref, pushed.version) == left, 15, str(left))


def test_killed_supervisor_takes_its_processes_along_and_comes_back(league):
    family = family_of(league.process.pid) - {league.process.pid}
    supervisor = int((league.data_dir / "run" / "supervisord.pid").read_text())
    os.kill(supervisor, signal.SIGKILL)
    wait_for(lambda: not any(map(alive, family)), 10, "the old processes to end")
    wait_for(league.is_ready, 30, "the site to serve again")


def test_interrupt_leaves_no_process_and_a_second_start_finds_everything(league, tmp_path):
    password = (league.data_dir / "admin-password").read_text()
    backend = LocalBackend(league.data_dir)
    pushed = running_kernel(backend, "interrupted")
    family = family_of(league.process.pid)
    assert len(family) >= 12
    assert league.stop() == 0
    assert not [pid for pid in family if alive(pid)]
    stopped = backend.status(pushed.ref, pushed.version)
    assert stopped == Status(Stage.ERROR, "It was stopped with the worker.")
    assert backend.output(pushed.ref, pushed.version, tmp_path).files == ("saved",)

    before = league.rows()
    assert before["league_competition"] >= 2
    assert before["league_submission"] == before["league_entrant"] >= 6

    assert league.start() < 45
    after = league.rows()
    assert after["league_episode"] >= before["league_episode"] > 0
    assert after | {"league_episode": 0} == before | {"league_episode": 0}
    assert (league.data_dir / "admin-password").read_text() == password


def test_killed_league_ends_all_the_same(league):
    """Nobody is left to end the processes: each has asked the kernel to be told."""
    family = family_of(league.process.pid)
    supervisor = int((league.data_dir / "run" / "supervisord.pid").read_text())
    os.kill(league.process.pid, signal.SIGKILL)
    os.kill(supervisor, signal.SIGKILL)
    league.process.wait(5)
    wait_for(lambda: not any(map(alive, family)), 15, "every process to end")


@pytest.mark.slow
def test_signal_to_make_alone_ends_the_league(tmp_path):
    """A stop button does so; make itself passes on SIGTERM only."""
    league = League(tmp_path / "var")
    league.start(by_make=True)
    family = family_of(league.process.pid)
    league.stop(signal.SIGINT)
    assert not [pid for pid in family if alive(pid)]

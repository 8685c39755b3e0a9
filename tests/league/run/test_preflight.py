"""What must hold before the league starts."""

import os
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from league.run import family, paths, preflight, processes
from league.run.errors import StartError
from tests.stack import wait_for


def test_new_data_folder_is_for_its_owner_only(tmp_path):
    data_dir = tmp_path / "a" / "var"
    preflight.prepare_data_dir(data_dir)
    assert stat.S_IMODE(data_dir.stat().st_mode) == 0o700


def test_folder_that_others_could_enter_is_closed(tmp_path):
    tmp_path.chmod(0o755)
    preflight.prepare_data_dir(tmp_path)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700


def test_folder_with_something_else_is_refused_untouched(tmp_path):
    (tmp_path / "thesis.tex").touch()
    tmp_path.chmod(0o755)
    with pytest.raises(StartError, match="holds something else"):
        preflight.prepare_data_dir(tmp_path)
    assert os.listdir(tmp_path) == ["thesis.tex"]
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755


def test_mounted_volume_and_an_earlier_league_are_taken(tmp_path):
    (tmp_path / "lost+found").mkdir()
    preflight.prepare_data_dir(tmp_path)
    (tmp_path / "backups").mkdir()
    preflight.prepare_data_dir(tmp_path)


def test_data_folder_below_a_file_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StartError, match="cannot be used: Not a directory"):
        preflight.prepare_data_dir(tmp_path / "file")


def test_folder_is_locked_by_one_league_at_a_time(tmp_path):
    preflight.prepare_data_dir(tmp_path)
    held = preflight.lock(tmp_path)
    with pytest.raises(StartError, match=rf"already \(process {os.getpid()}\): stop it first"):
        preflight.lock(tmp_path)
    os.close(held)
    os.close(preflight.lock(tmp_path))


def test_start_waits_for_the_processes_of_a_killed_league(tmp_path):
    """The holder's number is that of a dead process; its supervisor lives a little longer."""
    preflight.prepare_data_dir(tmp_path)
    held = preflight.lock(tmp_path)
    gone = subprocess.Popen(["true"])
    gone.wait()
    os.pwrite(held, f"{gone.pid}\n".ljust(20).encode(), 0)
    heir = subprocess.Popen(["sleep", "0.5"], pass_fds=[held])
    os.close(held)
    os.close(preflight.lock(tmp_path))
    assert heir.poll() is not None


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_port_in_use_is_refused(address):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.create_server((address, 0), family=family) as server:
        port = server.getsockname()[1]
        with pytest.raises(StartError, match=f"^Port {port} on {address} cannot be used"):
            preflight.check_port(address, port)
    preflight.check_port(address, port)


@pytest.mark.parametrize("host", ["no-such-host.invalid", "192.0.2.1"])
def test_host_of_another_machine_is_refused(host):
    with pytest.raises(StartError, match="is not an address of this machine"):
        preflight.check_port(host, 8000)


def test_redis_that_outlived_its_league_is_ended(tmp_path):
    (tmp_path / "redis").mkdir()
    paths.make_private(paths.run_dir(tmp_path))
    paths.make_private(paths.socket_path(tmp_path).parent)
    orphan = subprocess.Popen(processes.private_redis(tmp_path).argv, stdout=subprocess.DEVNULL)
    wait_for(paths.socket_path(tmp_path).is_socket, 5, "redis")
    preflight.end_stale_redis(tmp_path)
    assert orphan.wait(5) == 0
    assert not paths.socket_path(tmp_path).exists()


@pytest.mark.parametrize("name", ["x" * 120, "with space", "per%cent", "ünï"])
def test_socket_has_a_short_plain_path_of_its_own(tmp_path, name):
    found = paths.socket_path(tmp_path / name)
    assert paths.PLAIN_PATH.fullmatch(str(found))
    assert len(str(found)) < 60
    assert found != paths.socket_path(tmp_path / f"{name}2")
    assert found == paths.socket_path(tmp_path / name)


def test_socket_folder_of_somebody_else_is_refused(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(StartError, match="belongs to somebody else"):
        paths.make_private(tmp_path / "link")


def test_no_redis_at_all_is_said(monkeypatch):
    monkeypatch.setattr(processes, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(StartError, match="install redis-server, or set REDIS_URL"):
        processes.redis_binary()


ORPHANS = """
import subprocess, sys, time
from league.run import family
family.adopt_orphans()
subprocess.run(["sh", "-c", "setsid sh -c 'sleep 99 & echo $!; sleep 99' & sleep 0.2"])
family.end_children()
print(family.children())
"""


def test_orphans_are_adopted_and_ended():
    result = subprocess.run(
        [sys.executable, "-c", ORPHANS], capture_output=True, text=True, timeout=20
    )
    grandchild, left = result.stdout.split("\n")[:2]
    assert left == "[]"
    assert family.parent(int(grandchild)) == 0


def test_processes_end_with_their_launcher_s_parent(tmp_path):
    """What a killed supervisor leaves behind: nothing."""
    program = (
        "import os, sys; from league.run import launcher\n"
        "os.environ[launcher.PARENT] = str(os.getpid())\n"
        "pid = os.fork()\n"
        "if pid == 0:\n"
        "    launcher.die_with_parent(9)\n"
        "    os.execvp('sleep', ['sleep', '99'])\n"
        "print(pid, flush=True); sys.stdin.read()\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    child = int(parent.stdout.readline())
    wait_for(lambda: Path(f"/proc/{child}/comm").read_text() == "sleep\n", 5, "the child to run")
    parent.send_signal(signal.SIGKILL)
    parent.communicate()
    wait_for(lambda: not Path(f"/proc/{child}").exists(), 5, "the child to end")

"""The probe says A only where a real attack got nothing, and else why, and what mends it."""

import json
import os
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from evaluation.sandbox.limits import Limits
from evaluation.sandbox.probe import EXPLAINED, conclude, judge, probe
from evaluation.sandbox.view import PROJECT
from tests.hostile.boxes import SYSTEM_PYTHON, as_ordinary_user

FORBIDDEN = """
import ctypes, os, sys
uid, gid = os.getuid(), os.getgid()
libc = ctypes.CDLL(None, use_errno=True)
if libc.unshare(0x10000000) != 0:
    sys.exit(77)
maps = {"setgroups": "deny", "uid_map": f"1000 {uid} 1", "gid_map": f"1000 {gid} 1"}
for name, text in maps.items():
    open(f"/proc/self/{name}", "w").write(text)
open("/proc/sys/user/max_user_namespaces", "w").write("0")
os.execv(sys.executable, [sys.executable, "-c", sys.argv[1], *sys.argv[2:]])
"""
REPORT = """
import json, sys
from pathlib import Path
from evaluation.sandbox.probe import probe
found = probe(agent_python=Path(sys.argv[1]) if len(sys.argv) > 1 else None)
print(json.dumps([found.level, found.reason, found.remedy]))
"""
WITHOUT_RIGHTS = """
import ctypes, os, sys
libc = ctypes.CDLL(None)
for capability in (12, 21):
    libc.prctl(24, capability, 0, 0, 0)
os.execv(sys.executable, [sys.executable, "-c", sys.argv[1]])
"""


def run(python: str, *arguments: str) -> tuple[str, str, str]:
    done = subprocess.run(
        [python, "-c", *arguments],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": os.pathsep.join([str(PROJECT), *sys.path])},
        timeout=60,
    )
    if done.returncode == 77:
        pytest.skip("user namespaces are forbidden here already")
    assert done.returncode == 0, done.stderr
    return tuple(json.loads(done.stdout))


def test_a_worker_with_many_open_files_has_a_box_too(tmp_path):
    with ExitStack() as files:
        for _ in range(200):
            files.enter_context(open(os.devnull))
        assert probe(tmp_path).level == "A"


def test_box_holds_here_and_nothing_is_left_behind(tmp_path):
    started = time.monotonic()
    found = probe(tmp_path)
    assert time.monotonic() - started < 2
    assert found.level == "A", found
    assert set(found.checks) == set(EXPLAINED)
    assert all(found.checks.values())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="the test above runs as an ordinary user already")
def test_box_holds_for_an_ordinary_user():
    found = as_ordinary_user(lambda: probe(agent_python=SYSTEM_PYTHON))
    assert found.level == "A", found


def test_an_attacker_that_got_everything_breaks_every_promise():
    limits = Limits()
    loot = {
        "read": ["/own", "/data"],
        "connected": ["tcp"],
        "environment": ["SECRET_KEY"],
        "signalled": True,
        "sees_processes": True,
        "forked": True,
        "wrote": ["/"],
        "wrote_tmp": False,
        "descriptors": [0, 1, 2, 3, 4, 5],
        "uid": 0,
        "memory": -1,
        "threads": 10_000,
        "grabbed": True,
    }
    outside = {"Uid": "0 0 0 0", "CapEff": "ff", "Seccomp": "0", "NoNewPrivs": "0"}
    checks = judge(loot, outside, ["/own"], ["/data"], limits, {"PATH": "/usr/bin"})
    assert set(checks) == set(EXPLAINED)
    assert not any(checks.values())
    found = conclude("A", checks, {})
    assert found.level == "none"
    assert "the project's files can be read" in found.reason


def test_one_broken_promise_is_enough():
    checks = dict.fromkeys(EXPLAINED, True) | {"network_refused": False}
    assert conclude("A", checks, {}).level == "none"
    assert conclude("A", checks, {}).reason == "The box does not hold: it reaches the network."


def test_forbidden_user_namespaces_name_the_setting_that_allows_them():
    python = str(SYSTEM_PYTHON)
    level, reason, remedy = as_ordinary_user(lambda: run(python, FORBIDDEN, REPORT, python))
    assert level == "B"
    assert reason == (
        "This machine forbids user namespaces to ordinary users (user.max_user_namespaces=0)."
    )
    assert remedy == "sudo sysctl -w user.max_user_namespaces=15000"


@pytest.mark.skipif(os.geteuid() != 0, reason="gives up rights that only root has")
def test_root_without_the_right_to_make_namespaces_is_told():
    level, reason, remedy = run(sys.executable, WITHOUT_RIGHTS, REPORT)
    assert level == "none"
    assert "namespace" in reason
    assert remedy == "" or remedy.startswith("docker run ")


def test_missing_packages_for_agents_name_the_command():
    found = probe(agent_python=Path("/nowhere/bin/python"))
    assert found.level == "none"
    assert found.reason == "The agents' interpreter /nowhere/bin/python does not run."
    assert "packages numpy" in found.remedy

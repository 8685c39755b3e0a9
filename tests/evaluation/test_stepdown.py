"""A worker that root starts must see and be able to do little more than its work needs."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from evaluation.sandbox.uids import UNUSED
from evaluation.sandbox.view import PROJECT

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root has something to give up")

LOOK = """
import json, os, socket, sys
from pathlib import Path
from evaluation.sandbox.probe import probe
from evaluation.stepdown import step_down

data, redis_url = Path(sys.argv[1]), sys.argv[2]
step_down(data, redis_url)

def can(action, *arguments):
    try:
        action(*arguments)
    except OSError:
        return False
    return True

def connect():
    with socket.socket(socket.AF_UNIX) as broker:
        broker.connect(redis_url.removeprefix("unix://"))

status = Path("/proc/self/status").read_text()
print(json.dumps({
    "uids": list(os.getresuid()),
    "groups": os.getgroups(),
    "capabilities": status.partition("CapEff:")[2].split()[0],
    "sees": sorted(os.listdir(data)),
    "reads_database": can((data / "league.sqlite3").read_bytes),
    "reads_upload": can((data / "uploads" / "ab" / "abc").read_bytes),
    "reads_key": can((data / "signing.key").read_bytes),
    "writes_upload": can((data / "uploads" / "new").touch),
    "writes_agent": can((data / "agents" / "ab" / "new").touch),
    "writes_project": can((Path.cwd() / "new").touch),
    "connects": can(connect),
    "imports": can(__import__, "evaluation.match"),
    "level": probe(data).level,
}))
"""


@pytest.fixture
def data_dir(tmp_path) -> Path:
    """As a league that root has started leaves it: nobody else may enter."""
    data = tmp_path / "data"
    for folder in ("uploads/ab", "agents/ab", "run/redis"):
        (data / folder).mkdir(parents=True)
    (data / "uploads" / "ab" / "abc").write_text("agent")
    for secret in ("league.sqlite3", "secret-key", "signing.key"):
        (data / secret).write_text("secret")
        (data / secret).chmod(0o600)
    (data / "run").chmod(0o700)
    data.chmod(0o700)
    return data


def look(data: Path, redis_url: str) -> dict:
    done = subprocess.run(
        [sys.executable, "-c", LOOK, data, redis_url],
        capture_output=True,
        text=True,
        cwd=PROJECT,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(PROJECT)},
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def listening(path: Path) -> socket.socket:
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(path))
    server.listen()
    path.chmod(0o770)
    return server


def test_keeps_what_it_works_on_and_nothing_else(data_dir):
    with listening(data_dir / "run" / "redis" / "redis.sock"):
        found = look(data_dir, f"unix://{data_dir}/run/redis/redis.sock")
    assert set(found["uids"]) <= set(UNUSED)
    assert len(set(found["uids"])) == 1
    assert found["groups"] == []
    assert set(found["capabilities"]) == {"0"}
    assert found["sees"] == ["agents", "packages", "run", "signing.key", "uploads"]
    assert [name for name in found if found[name] is True] == [
        "reads_upload", "reads_key", "writes_agent", "connects", "imports",
    ]  # fmt: skip
    assert found["level"] == "A"


def test_has_the_same_uid_after_a_restart(data_dir):
    assert look(data_dir, "")["uids"] == look(data_dir, "")["uids"]


def test_plays_an_ordinary_users_league_as_that_user(data_dir):
    for path in (data_dir, *data_dir.rglob("*")):
        os.chown(path, 65532, 65532)
    for name in ("agents", "packages", "uploads"):
        (data_dir / name).mkdir(exist_ok=True)
    before = (data_dir / "agents").stat().st_uid
    assert set(look(data_dir, "")["uids"]) == {65532}
    assert (data_dir / "agents").stat().st_uid == before


def test_others_still_may_not_enter(data_dir):
    look(data_dir, "")
    assert data_dir.stat().st_mode & 0o077 == 0


def test_a_broker_of_root_alone_keeps_the_worker_root(data_dir, tmp_path):
    with listening(tmp_path / "own.sock"):
        (tmp_path / "own.sock").chmod(0o700)
        with pytest.raises(AssertionError, match="only root may use"):
            look(data_dir, f"unix://{tmp_path}/own.sock")

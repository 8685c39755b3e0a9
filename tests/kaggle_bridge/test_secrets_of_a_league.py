"""A whole league with credentials of Kaggle: who of its processes has them, and what it leaves."""

import json
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.league_process import PROJECT, League, family_of
from tests.kaggle_bridge.leaks import Place, files, layers, leaks
from tests.kaggle_bridge.test_secrets import PROXY, SECRETS
from tests.kaggle_service import Account, KaggleService
from tests.stack import wait_for

pytestmark = [pytest.mark.kaggle, pytest.mark.slow, pytest.mark.timeout(600)]

TOTAL = 800
WISH = {
    "preset": "tictactoe", "backend": "kaggle", "competition": "tictactoe", "total_steps": TOTAL,
    "config": {
        "log_interval": 100, "save_interval": TOTAL, "evaluate_interval": 0,
        "selfplay": {
            "network": {"width": 8, "depth": 1}, "search": {"simulations": 4}, "games": 8,
            "moves_per_update": 4, "buffer": 16, "learning": {"batch": 32, "batches": 1},
        },
    },
}  # fmt: skip
HOLDERS = {"--queues training": "bridge-worker", "kaggle_bridge.client": "client"}
# Who is given the whole environment, to hand out what each process may see.
STARTERS = ("league.run", "supervisor")


class Watch:
    """Looks again and again which processes below one hold secrets; `holders` in words."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.holders: set[str] = set()
        self.seen: set[str] = set()
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def close(self) -> None:
        self._is_over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._is_over.wait(0.02):
            for pid in family_of(self.pid):
                self._look(pid)

    def _look(self, pid: int) -> None:
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ")
            variables = Path(f"/proc/{pid}/environ").read_bytes()
        except OSError:  # it has ended
            return
        command = words.decode(errors="replace")
        self.seen.add(command)
        if not any(word in command for word in STARTERS) and leaks(
            [("", words + variables)], SECRETS
        ):
            known = (name for word, name in HOLDERS.items() if word in command)
            self.holders.add(next(known, command))


class Organiser:
    """Somebody with a staff token and a shell."""

    def __init__(self, league: League) -> None:
        self.league = league
        self.token = self.manage("token", "admin", "--staff")
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def manage(self, *words: str) -> str:
        command = [sys.executable, "manage.py", *words]
        done = subprocess.run(
            command, cwd=PROJECT, env=self.league.variables, check=True, capture_output=True,
            text=True, timeout=60,
        )  # fmt: skip
        return done.stdout.strip()

    def read(self, path: str, body: Any = None) -> bytes:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.league.port}{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"},
        )
        with self.opener.open(request, timeout=60) as answer:
            return bytes(answer.read())

    def json(self, path: str, body: Any = None) -> Any:
        return json.loads(self.read(f"/api/v1{path}", body))


@pytest.fixture
def service(tmp_path: Path) -> Iterator[KaggleService]:
    accounts = {"alice": Account(key=SECRETS["key"], token=SECRETS["token"])}
    with KaggleService(tmp_path / "kaggle", accounts) as service:
        yield service


@pytest.fixture
def league(tmp_path: Path, service: KaggleService) -> Iterator[League]:
    league = League(
        tmp_path / "league" / "var", **service.environ("alice"),
        TRAINING_POLL_SECONDS="1", TRAINING_CALLS_PER_MINUTE="600", EVALUATION_CONCURRENCY="1",
    )  # fmt: skip
    league.variables["http_proxy"] = PROXY.format(port=service.port)
    (tmp_path / "league").mkdir()
    league.start()
    yield league
    if league.process.poll() is None:
        league.stop()


def played(organiser: Organiser, path: str) -> int:
    """The submission of its last checkpoint, once it is on the ladder."""
    found = organiser.json(path)
    assert found["state"] != "FAILED", found["error"]
    numbers = [each["submission"] for each in found["checkpoints"] if each["submission"]]
    if found["state"] != "IMPORTED":
        return 0
    return next((n for n in numbers if organiser.json(f"/submissions/{n}")["matches"]), 0)


def pages(organiser: Organiser, run: int, submission: int) -> Iterator[Place]:
    matches = organiser.json("/competitions/tictactoe/matches?state=DONE&limit=20")["items"]
    replays = [f"/api/v1/episodes/{e['id']}/replay" for match in matches for e in match["episodes"]]
    known = ("/", "/training/", f"/training/{run}/", "/status/", f"/submissions/{submission}/")
    api = (f"/api/v1/training/runs/{run}", f"/api/v1/submissions/{submission}/logs")
    for path in (*known, *api, *replays, "/readyz"):
        yield path, organiser.read(path)


def database(data_dir: Path) -> Place:
    with closing(sqlite3.connect(data_dir / "league.sqlite3")) as rows:
        return "database", "\n".join(rows.iterdump()).encode()


def test_credentials_stay_with_the_worker_and_its_client(league, service, tmp_path):
    organiser = Organiser(league)
    service.faults.add("SaveKernel", "429", echoes=True)
    service.faults.add("GetKernelSessionStatus", "403", echoes=True)
    watch = Watch(league.process.pid)
    try:
        run = organiser.json("/training/runs", WISH)["id"]
        path = f"/training/runs/{run}"
        submission = wait_for(lambda: played(organiser, path) or time.sleep(1), 300, "a rating")
    finally:
        watch.close()
    assert watch.holders == set(HOLDERS.values())
    assert any("inspecting.examine" in command for command in watch.seen)
    told = list(pages(organiser, run, submission))
    organiser.manage("backup", str(tmp_path / "backup.tar.gz"))
    assert league.stop() == 0
    kept = [*files(tmp_path), database(league.data_dir)]
    assert leaks([*told, *kept], SECRETS) == []
    names = {name.rpartition("/")[2] for place in kept for name, _ in layers(*place)}
    assert {"backup.tar.gz", "output.txt", "bridge-worker.log", "supervisord.conf"} <= names
    assert any(name.endswith("main.py") for name in names), "no agent was looked into"
    assert any(b'"steps"' in content for _, content in told), "no replay was looked into"

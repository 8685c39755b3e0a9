"""A `make run` of a test's own, without make."""

import http.client
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

from tests.stack import wait_for

PROJECT = Path(__file__).parents[2]
NAMES = (
    "redis", "web", "evaluation-worker", "league-worker", "beat", "bridge-worker",
    "training-worker",
)  # fmt: skip
TABLES = (
    "league_competition",
    "league_submission",
    "league_entrant",
    "auth_user",
    "league_episode",
)
SECRETS = {
    "SECRET_KEY": "known to the site alone",
    "EMAIL_URL": "smtp://me:hunter2@127.0.0.1:9",
    "KAGGLE_KEY": "k",
    "AWS_SECRET_ACCESS_KEY": "a",
    # Loopback is asked directly, or this would keep the site from ever being ready.
    "http_proxy": "http://127.0.0.1:9",
}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def environment(data_dir: Path, port: int, **more: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return kept | {"DATA_DIR": str(data_dir), "PORT": str(port)} | more


class League:
    """A `make run` of its own: straight away, or through a make that runs nothing else."""

    def __init__(self, data_dir: Path, **more: str) -> None:
        self.data_dir = data_dir
        self.port = free_port()
        self.variables = environment(data_dir, self.port, **(SECRETS | more))
        self.output = data_dir.parent / "output.txt"

    def start(self, *, by_make: bool = False) -> float:
        """Seconds until the line that says it serves."""
        started = time.monotonic()
        makefile = self.data_dir.parent / "Makefile"
        makefile.write_text(f"run:\n\t@exec {sys.executable} -m league.run\n")
        command = ["make", "-f", str(makefile)] if by_make else [sys.executable, "-m", "league.run"]
        with open(self.output, "wb") as output:
            self.process = subprocess.Popen(
                command, cwd=PROJECT, env=self.variables, stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        wait_for(lambda: "Ready:" in self.said() or self.process.poll(), 90, "the site to serve")
        assert "Ready:" in self.said(), self.said()
        return time.monotonic() - started

    def said(self) -> str:
        return self.output.read_text(encoding="utf-8")

    def stop(self, number: int = signal.SIGINT) -> int:
        self.process.send_signal(number)
        return self.process.wait(40)

    def get(self, path: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        with closing(connection):
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read()

    def is_ready(self) -> bool:
        try:
            return self.get("/readyz")[0] == 200
        except OSError:
            return False

    def pid(self, name: str) -> int:
        log = (self.data_dir / "log" / "supervisord.log").read_text()
        return int(re.findall(rf"spawned: '{name}' with pid (\d+)", log)[-1])

    def rows(self) -> dict[str, int]:
        path = self.data_dir / "league.sqlite3"
        with closing(sqlite3.connect(path)) as database:
            count = "SELECT COUNT(*) FROM"
            return {name: database.execute(f"{count} {name}").fetchone()[0] for name in TABLES}


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def family_of(pid: int) -> set[int]:
    """The process and all that descend from it."""
    parents = {}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            fields = Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(entry)] = int(fields[1])
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found

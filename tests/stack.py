"""A whole league of real processes for tests: Redis, web, evaluation workers, league worker, beat.

The processes share the test's database and data folder. Everything ends with `close()`.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any
from urllib.parse import quote

import redis

from evaluation import broker
from league.run.paths import make_private, private_redis_url, socket_path
from league.run.processes import private_redis, site_processes

PROJECT = Path(__file__).resolve().parent.parent
# What the processes of a kind are called in production, by our shorter words.
NAMES = {
    "redis": "redis",
    "web": "web",
    "evaluation": "evaluation-worker",
    "league": "league-worker",
    "beat": "beat",
    "bridge": "bridge-worker",
    "training": "training-worker",
}


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
        self.redis_url = private_redis_url(folder)
        self.database_url = database_url
        self.port = port
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        make_private(socket_path(folder).parent)
        (folder / "redis").mkdir()

    # Each process gets what it needs and no more, as in `make run`.
    def environment(self, name: str) -> dict[str, str]:
        kind, _, slot = name.partition("-")
        env = {"PATH": os.environ["PATH"], "DATA_DIR": str(self.folder)}
        if kind == "training":
            return env
        env |= {
            "REDIS_URL": self.redis_url,
            "URL_AGENT_ALLOW_PRIVATE": "127.0.0.1",
            "EVALUATION_CONCURRENCY": "1",
            "WORKER_SLOT": slot or "1",
        }
        if kind != "evaluation":
            env |= {"DATABASE_URL": self.database_url, "SECRET_KEY": "only for tests"}
        return env

    def command(self, name: str) -> list[str]:
        """As production has it."""
        kind = name.partition("-")[0]
        known = [private_redis(self.folder), *site_processes(f"127.0.0.1:{self.port}", self.folder)]
        return next([*process.argv] for process in known if process.name == NAMES[kind])

    def start(self, *names: str) -> None:
        for name in names:
            log = (self.folder / f"{name}.log").open("ab")
            self.processes[name] = subprocess.Popen(
                self.command(name), cwd=PROJECT, env=self.environment(name),
                stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
            if name == "redis":
                wait_for(self.redis_answers, what="redis")

    def redis_answers(self) -> bool:
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

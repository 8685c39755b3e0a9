"""A league of its own for a benchmark: `make run`'s processes on a fresh data folder."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent
START_S = 120


class Site:
    """A running league: its address, its folder, and a token of a user of its own."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.url = folder, f"http://127.0.0.1:{port}"
        self.environment = {
            name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG"}
        } | {"DATA_DIR": str(folder), "PORT": str(port), "EVALUATION_CONCURRENCY": "1"}
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def manage(self, *arguments: str) -> str:
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(
            command, cwd=PROJECT, env=self.environment, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def get(self, path: str) -> bytes:
        with self.opener.open(self.url + path, timeout=30) as answer:
            return bytes(answer.read())

    def json(self, path: str) -> Any:
        return json.loads(self.get(path))

    def post(self, path: str, body: dict[str, Any], token: str) -> Any:
        request = urllib.request.Request(
            self.url + path,
            data=json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        )
        with self.opener.open(request, timeout=30) as answer:
            return json.loads(answer.read())

    def is_ready(self) -> bool:
        try:
            states = self.json("/readyz")
        except OSError:
            return False
        return all(state == "ok" for state in _states(states))


def _states(answer: dict[str, Any]) -> list[str]:
    return [s if isinstance(s, str) else s.get("state", "") for s in answer.values()]


@contextmanager
def running_site(**variables: str) -> Iterator[Site]:
    """A fresh league, ready; every process of it has ended when the body has.

    variables: of its environment.
    """
    with tempfile.TemporaryDirectory(prefix="palaestra-bench-") as folder:
        site = Site(Path(folder) / "var", _free_port())
        site.environment |= variables
        process = subprocess.Popen(
            [sys.executable, "-m", "league.run"],
            cwd=PROJECT, env=site.environment,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            deadline = time.monotonic() + START_S
            while not site.is_ready():
                if time.monotonic() > deadline or process.poll() is not None:
                    raise SystemExit("The league did not start; try `make run`.")
                time.sleep(0.2)
            yield site
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

"""Real processes of `python -m evaluation http-server`, and what is asked of them."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from evaluation import server

PROJECT = Path(__file__).parents[2]


def command(*words: str, cwd: Path = PROJECT, **options: Any) -> subprocess.CompletedProcess[str]:
    """`python -m evaluation` with these words, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "evaluation", *words],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        **options,
    )


class Said(NamedTuple):
    status: int
    text: str
    headers: Any

    def json(self) -> Any:
        return json.loads(self.text)


class ServerProcess:
    """Serves at a free port until it is closed."""

    def __init__(self, *options: str, cwd: Path = PROJECT) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "evaluation", "http-server", "--port=0", *options],
            cwd=cwd,
            env={**os.environ, "PYTHONPATH": str(PROJECT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.first_line = self.process.stdout.readline()
        self.port = int(self.first_line.rpartition(":")[2])
        self.url = f"http://127.0.0.1:{self.port}"

    def get(self, query: str = "", **headers: str) -> Said:
        return ask(f"{self.url}/?{query}", None, **headers)

    def post(self, body: Any, query: str = "", **headers: str) -> Said:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return ask(f"{self.url}/?{query}", data, **headers)

    def act(self, agent: Any, environment: str = "connectx", **fields: Any) -> Any:
        body = {"action": "act", "environment": environment, "agents": [agent], **fields}
        return self.post({"configuration": {}, "state": {"observation": OPENING}, **body})

    def family(self) -> list[int]:
        """Every process that it started and that has not ended: those of its session."""
        return [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if self._own(pid)]

    def _own(self, pid: int) -> bool:
        try:
            state, _, _, session = stat_of(pid)
        except OSError:  # it has just ended
            return False
        return int(session) == self.process.pid != pid and state != "Z"

    def close(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        self.process.communicate(timeout=20)
        return self.process.returncode


COUNTS = """
count = 0
def agent(observation, configuration):
    global count
    count += 1
    return count % configuration.columns
"""
RANDOM = {"action": "run", "environment": "connectx", "agents": ["random", "random"]}
OPENING = {"board": [0] * 42, "mark": 1, "step": 0, "remainingOverageTime": 60}


def stat_of(pid: int) -> list[str]:
    """State, parent, group and session of a process."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:4]


def ask(url: str, data: bytes | None = None, **headers: str) -> Said:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(url, data, names)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=60) as answer:
            return Said(answer.status, answer.read().decode(), answer.headers)
    except urllib.error.HTTPError as error:
        return Said(error.code, error.read().decode(), error.headers)


def eventually(condition: Any, seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


@contextmanager
def in_this_process(**options) -> Iterator[server.Server]:
    one = server.Server(server.Options(port=0, **options))
    thread = threading.Thread(target=one.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield one
    finally:
        one.shutdown()
        thread.join()
        one.server_close()
        one.children.close()


def raw(port: int, text: bytes, seconds: float = 10) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as connection:
        connection.sendall(text)
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
    return answer

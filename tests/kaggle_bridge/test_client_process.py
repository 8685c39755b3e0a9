"""The client's process: what it sees, how long it lives, what it leaves, what it gives away."""

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from kaggle_bridge.backend import BackendError, NotNow, Trouble, Unsure
from kaggle_bridge.backends.kaggle import Limits
from kaggle_bridge.client import process as client_process
from kaggle_bridge.client.process import environment
from tests.kaggle_bridge.client_case import JOB, KEY, TOKEN, backend, dataset_folder, serving
from tests.kaggle_service import KaggleService

pytestmark = pytest.mark.kaggle

SHORT = Limits(read_s=60.0, short_s=2.0, long_s=2.0)
WORKER = """
import os, sys
from pathlib import Path
from kaggle_bridge.backends.kaggle import KaggleBackend
KaggleBackend(Path(sys.argv[1]), dict(os.environ), 100).status("alice/first-steps", 1)
"""


@pytest.fixture
def service(tmp_path: Path) -> Iterator[KaggleService]:
    with serving(tmp_path) as service:
        yield service


def account_folder(tmp_path: Path) -> Path:
    return tmp_path / "var" / "training" / "kaggle"


def calls_left(tmp_path: Path) -> list[str]:
    return [path.name for path in account_folder(tmp_path).glob("call-*")]


def clients_of(tmp_path: Path) -> list[str]:
    """The processes that work in a folder of this test's."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if str(tmp_path) in os.readlink(process / "cwd"):
                found.append((process / "cmdline").read_text())
        except OSError:
            continue
    return found


def wait_until(condition: object, limit_s: float = 20.0) -> None:
    assert callable(condition)
    until = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < until, "it did not come about"
        time.sleep(0.05)


def test_child_sees_what_is_kaggles_and_nothing_else(tmp_path: Path) -> None:
    passed = {
        "PATH": "/bin", "LANG": "C.UTF-8", "SSL_CERT_FILE": "/ca", "KAGGLE_API_TOKEN": "t",
        "KAGGLE_KEY_FILE": "/k", "KAGGLE_ANYTHING": " as it is ", "http_proxy": "http://a",
        "HTTPS_PROXY": "http://b", "no_proxy": "", "NO_PROXY": "x",
    }  # fmt: skip
    others = {
        "SECRET_KEY": "s", "DATABASE_URL": "d", "HOME": "/root", "TMPDIR": "/t", "PYTHONPATH": "/p",
        "KAGGLE_CONFIG_DIR": "/c", "VERBOSE": "1", "XDG_CONFIG_HOME": "/x", "LD_PRELOAD": "/l",
    }  # fmt: skip
    seen = environment(passed | others, tmp_path)
    assert {name: seen[name] for name in passed} == passed
    assert set(seen) - set(passed) == {"HOME", "KAGGLE_CONFIG_DIR", "TMPDIR", "PYTHONPATH"}
    for name in ("HOME", "KAGGLE_CONFIG_DIR", "TMPDIR"):
        assert Path(seen[name]).parent == tmp_path


def test_nothing_else_is_taken_for_credentials(service: KaggleService, tmp_path: Path) -> None:
    stale = tmp_path / "home" / ".kaggle"
    stale.mkdir(parents=True)
    for name in ("access_token", "access_token.txt"):
        (stale / name).write_text("stale")
    (stale / "kaggle.json").write_text('{"username": "bob", "key": "key-of-bob"}')
    strays = {
        "HOME": str(tmp_path / "home"), "KAGGLE_TOKEN": "stray", "KAGGLE_USER": "bob",
        "KAGGLE_KERNEL_RUN_TYPE": "Batch", "KAGGLE_DATA_PROXY_URL": "http://x",
        "KAGGLE_API_V1_TOKEN": str(stale / "access_token"),
    }  # fmt: skip
    backend(service, tmp_path, **strays).push(JOB)
    assert service.journal.credentials() == [("alice", "key")]


def test_silence_is_ended_and_nothing_is_left(
    service: KaggleService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_process, "GRACE_S", 0.0)
    place = backend(service, tmp_path, limits=SHORT)
    service.faults.add("SaveKernel", "hang", when="after")
    service.faults.add("GetKernelSessionStatus", "hang")
    with pytest.raises(Unsure, match="2 seconds"):
        place.push(JOB)
    with pytest.raises(Trouble) as caught:
        place.status(JOB.ref, 1)
    assert type(caught.value) is Trouble
    assert calls_left(tmp_path) == []
    assert clients_of(tmp_path / "var") == []
    with place.pace.holding():
        pass


def test_client_dies_with_its_worker(service: KaggleService, tmp_path: Path) -> None:
    service.faults.add("GetKernelSessionStatus", "hang")
    environ = service.environ() | {"PATH": os.environ["PATH"]}
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(tmp_path / "var")], env=environ, cwd=Path.cwd()
    )
    wait_until(lambda: service.journal.of("GetKernelSessionStatus"))
    assert len(clients_of(tmp_path / "var")) == 1
    place = backend(service, tmp_path)
    with pytest.raises(NotNow, match="under way"):
        place.status(JOB.ref, 1)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    wait_until(lambda: not clients_of(tmp_path / "var"))
    assert len(calls_left(tmp_path)) == 1
    assert place.push(JOB).version == 1, "the lock is free"
    assert calls_left(tmp_path) == [], "what the dead left is swept"


def test_call_beyond_the_pace_sends_nothing(service: KaggleService, tmp_path: Path) -> None:
    place = backend(service, tmp_path, calls=1)
    place.whoami()
    with pytest.raises(NotNow) as caught:
        place.whoami()
    assert 50 < caught.value.retry_after_s <= 61
    assert len(service.journal.of()) == 1


def test_request_beyond_the_pace_waits_or_is_put_off(
    service: KaggleService, tmp_path: Path
) -> None:
    """The second request of one operation: there is not enough time left for its slot."""
    service.add_dataset("alice/resume-of-1", {"a": b"1"})
    limits = Limits(short_s=10.0)
    place = backend(service, tmp_path, calls=1, limits=limits)
    with pytest.raises(NotNow):
        place.dataset("alice/resume-of-1")
    assert len(service.journal.of()) == 1


@pytest.mark.slow
def test_no_more_than_the_configured_calls_leave_in_a_minute(
    service: KaggleService, tmp_path: Path
) -> None:
    until = time.monotonic() + 100

    def keep_asking() -> None:
        place = backend(service, tmp_path, calls=6)
        while time.monotonic() < until:
            try:
                place.dataset("alice/none")
            except NotNow as error:
                time.sleep(min(error.retry_after_s, 0.5))

    threads = [threading.Thread(target=keep_asking) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 8 <= len(service.journal.of()) <= 12
    assert service.journal.busiest(60.0) <= 6
    assert service.journal.at_once() == 1


class Echo(BaseHTTPRequestHandler):
    """Says back, as error or as log, whatever it was sent to identify the caller."""

    def do_POST(self) -> None:
        sent = self.rfile.read(int(self.headers["Content-Length"])).decode()
        words = f"you sent {self.headers['Authorization']} {KEY} {TOKEN} {sent[:200]}"
        if "Status" in self.path:
            status, answer = 400, {"code": 400, "message": words}
        else:
            status, answer = 200, {"log": words}
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@pytest.mark.parametrize("credential", ["key", pytest.param("token", marks=pytest.mark.slow)])
def test_secrets_that_the_service_says_back_are_hidden(
    credential: str, service: KaggleService, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secret = KEY if credential == "key" else TOKEN
    with HTTPServer(("127.0.0.1", 0), Echo) as echo:
        threading.Thread(target=echo.serve_forever, daemon=True).start()
        proxy = f"http://127.0.0.1:{echo.server_address[1]}"
        place = backend(service, tmp_path, credential, http_proxy=proxy)
        with pytest.raises(BackendError) as caught:
            place.status(JOB.ref, 1)
        log = place.log(JOB.ref, 1)
        echo.shutdown()
    assert "you sent" in caught.value.message
    assert "you sent" in log
    told = caught.value.message + repr(caught.value) + log + caplog.text
    assert secret not in told
    assert "Basic [hidden]" in told or "Bearer [hidden]" in told


@pytest.mark.parametrize("fault", ["500", pytest.param("hang", marks=pytest.mark.slow)])
def test_client_writes_no_secret_anywhere(
    fault: str, service: KaggleService, tmp_path: Path
) -> None:
    """Run as the site runs it, but with its folders and its output kept."""
    folder = tmp_path / "call"
    for name in ("home", "config", "tmp"):
        (folder / name).mkdir(parents=True)
    files = dataset_folder(tmp_path / "files", a="1")
    service.faults.add("CreateDataset", fault)
    order = {
        "operation": "upload", "credentials": {"username": "alice", "key": KEY},
        "arguments": {
            "ref": "alice/resume-of-1", "title": "resume-of-1", "folder": str(files), "note": "",
            "is_new": True,
        },
        "pace_folder": str(folder), "calls_per_minute": 100, "wall_s": 20, "read_s": 1,
        "mark": str(folder / "sent"), "answer": str(folder / "answer.json"),
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "kaggle_bridge.client", str(os.getpid())],
        input=json.dumps(order), env=environment(os.environ | service.environ(), folder),
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    answer = json.loads((folder / "answer.json").read_text())
    assert answer["error"] == "Unsure"
    written = [path.read_text() for path in folder.rglob("*") if path.is_file()]
    for text in [done.stdout, done.stderr, *written]:
        assert KEY not in text
        assert "Basic" not in text

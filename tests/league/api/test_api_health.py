"""/healthz and /readyz: one state each, quick whatever hangs."""

import threading
import time

import pytest

from evaluation import broker
from evaluation.version import code_version
from league import live
from league.api import health


def report(**fields):
    report = {
        "version": code_version(), "concurrency": 1, "level": "A", "has_box": True,
        "reason": "", "remedy": "", "checks": {},
    }  # fmt: skip
    broker.report_worker(live.client(), "w1", report | fields)


@pytest.fixture
def database(transactional_db):
    """Checks ask from threads of their own, so what they see must be committed."""


def test_alive_without_asking_anybody(client, django_assert_num_queries):
    response = client.get("/healthz")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})


def test_ready_when_everything_answers(client, database):
    report()
    live.mark_beat()
    response = client.get("/readyz")
    names = ("database", "redis", "workers", "scheduler", "sandbox")
    states = response.json()
    assert states.pop("box")["state"] == "ok"
    assert states == dict.fromkeys(names, "ok")
    assert response.status_code == 200
    assert "no-store" in response["Cache-Control"]


def test_ready_without_a_sandbox(client, database):
    report(level="none", has_box=False)
    live.mark_beat()
    response = client.get("/readyz")
    assert (response.status_code, response.json()["sandbox"]) == (200, "down")


def test_readyz_tells_level_checks_details_and_the_remedy(client, database):
    report(
        level="B", has_box=False, minimum="A", reason="No user namespaces.", remedy="sudo x",
        checks={"network_refused": True, "processes_hidden": False},
        details={"kernel": "6.18", "landlock_abi": 7, "found": {"read": ["/secret"]}},
    )  # fmt: skip
    assert client.get("/readyz").json()["box"] == {
        "state": "down", "level": "B", "minimum": "A", "reason": "No user namespaces.",
        "remedy": "sudo x", "workers": [{
            "name": "w1", "level": "B", "has_box": False, "minimum": "A",
            "checks": {"network_refused": True, "processes_hidden": False},
            "details": {"kernel": "6.18", "landlock_abi": 7},
        }],
    }  # fmt: skip


def test_not_ready_without_worker_and_scheduler(client, database):
    response = client.get("/readyz")
    assert response.status_code == 503
    states = response.json()
    assert states.pop("box")["reason"] == "No evaluation worker has reported."
    assert states == {
        "database": "ok", "redis": "ok",
        "workers": "down", "scheduler": "down", "sandbox": "down",
    }  # fmt: skip


def test_scheduler_that_stopped_is_down(database):
    live.client().set(live.BEAT_KEY, str(time.time() - 120))
    assert not health.has_scheduler()


def test_not_ready_without_redis(client, database, settings, tmp_path):
    settings.REDIS_URL = f"unix://{tmp_path}/nobody.sock"
    response = client.get("/readyz")
    assert (response.status_code, response.json()["redis"]) == (503, "down")
    assert response.json()["database"] == "ok"


def test_what_hangs_is_down_and_holds_nobody_up():
    gate = threading.Event()
    started = time.monotonic()
    answers = health.ask_all({"hangs": gate.wait, "works": lambda: True})
    gate.set()
    assert answers == {"hangs": None, "works": True}
    assert time.monotonic() - started < health.TIMEOUT_S + 0.5


def test_what_raises_is_down(caplog):
    assert health.ask_all({"broken": lambda: bool(1 / 0)}) == {"broken": None}
    assert "division by zero" in caplog.text


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_is_only_read(client, db, path):
    assert client.post(path).status_code == 405

"""The status page: what waits, since when, and what mends it."""

import json
import time
from datetime import timedelta

import pytest
from django.utils import timezone

from evaluation import broker
from evaluation.version import code_version
from league import live
from league.models import Attempt, EpisodeSeat, Match, Submission
from tests.factories import (
    make_competition,
    make_match,
    make_rated_match,
    make_staff,
    make_submission,
)

pytestmark = pytest.mark.django_db


def report(has_box=True, **fields):
    """What a worker writes to Redis about itself."""
    worker = {
        "name": "worker-1", "version": code_version(), "concurrency": 2, "level": "A" if has_box else "C",
        "has_box": has_box, "reason": "", "remedy": "", "checks": {"no_network": has_box},
        "beat": time.time(),
    } | fields  # fmt: skip
    live.client().set(broker.worker_key(worker["name"]), json.dumps(worker))


def test_nothing_runs_says_so_and_what_to_start(client):
    page = client.get("/status/").text
    assert "No evaluation worker has reported" in page
    assert "make worker" in page


def test_redis_away_is_the_first_thing_said(client, settings):
    settings.REDIS_URL = "unix:///nowhere/redis.sock"
    assert "Redis does not answer" in client.get("/status/").text


def test_all_well_says_so(client):
    report()
    live.mark_beat()
    page = client.get("/status/").text
    assert "Everything runs." in page
    assert "worker-1" in page
    assert "no network" in page


@pytest.mark.parametrize(
    "body", ["no JSON", "[]", "{}", '{"name": "x"}', '{"concurrency": 1e9}', "\\xff"]
)
def test_a_report_that_is_none_hides_no_worker(client, body):
    report()
    live.client().set(broker.worker_key("broken"), body)
    report(name="greedy", concurrency=10**9)
    live.client().set(live.BEAT_KEY, "inf")
    assert "worker-1" in client.get("/status/").text
    assert [worker.name for worker in live.workers()] == ["worker-1"]
    assert live.concurrency() == 2
    assert client.get("/readyz").status_code == 503


def test_a_machine_without_a_box_names_the_command_that_mends_it(client):
    report(has_box=False, reason="User namespaces are off.", remedy="sudo sysctl -w x=1")
    live.mark_beat()
    page = client.get("/status/").text
    assert "strangers' agents wait" in page or "strangers&#x27; agents wait" in page
    assert "sudo sysctl -w x=1" in page


def test_what_stands_too_long_is_listed_with_its_age(client):
    submission = make_submission(make_competition(), status="PENDING")
    old = timezone.now() - timedelta(minutes=20)
    Submission.objects.filter(pk=submission.pk).update(status_since=old)
    page = client.get("/status/").text
    assert "Stuck" in page
    assert submission.get_absolute_url() in page
    assert "20 min" in page


def test_failures_are_counted_by_cause_and_ours_apart(client):
    competition = make_competition()
    first, second = make_submission(competition), make_submission(competition)
    match = make_rated_match(competition, first, second)
    EpisodeSeat.objects.filter(episode__match=match, number=0).update(verdict="move_timeout")
    Attempt.objects.create(
        match=match, number=1, token="x", state="LOST", reason="our worker was stopped",
        sent=timezone.now(),
    )  # fmt: skip
    make_match(competition, [first, second], "ABORTED", ended=timezone.now())
    page = client.get("/status/").text
    assert "move timeout" in page
    assert "our worker was stopped" in page
    assert "1 match given up" in page


def test_the_page_costs_a_constant_number_of_queries(client, django_assert_max_num_queries):
    competition = make_competition()
    first = make_submission(competition)
    for _ in range(8):
        make_match(competition, [first, first], Match.State.QUEUED)
    with django_assert_max_num_queries(12):
        client.get("/status/")


def test_htmx_gets_the_part_that_changes(client):
    part = client.get("/status/", headers={"HX-Request": "true"}).text
    assert part.strip().startswith('<div id="status"')


def test_status_shows_level_checks_and_machine_of_each_worker(client):
    report(
        level="A", minimum="A", checks={"processes_refused": True},
        details={"kernel": "6.18", "landlock_abi": 7, "bwrap": "<b>/usr/bin/bwrap", "found": [1]},
    )  # fmt: skip
    page = client.get("/status/").text
    for piece in (
        "isolation level A", "processes refused", "Landlock ABI</span> 7", "kernel</span> 6.18",
    ):  # fmt: skip
        assert piece in page
    assert "[1]" not in page
    assert "SANDBOX_MINIMUM" not in page
    assert "/usr/bin/bwrap" not in page, "paths of this machine are for staff"
    client.force_login(make_staff())
    assert "&lt;b&gt;/usr/bin/bwrap" in client.get("/status/").text


def test_below_the_minimum_the_page_says_level_and_what_is_asked_for(client):
    report(has_box=False, level="B", minimum="A", reason="No user namespaces.", remedy="sudo x")
    page = client.get("/status/").text
    for piece in ("level B, and A is asked for", "No user namespaces.", "sudo x"):
        assert piece in page


@pytest.mark.parametrize(("level", "is_red"), [("B", False), ("C", True)])
def test_a_weaker_level_chosen_by_name_shows_on_status_and_every_admin_page(
    client, settings, level, is_red
):
    settings.SANDBOX_MINIMUM = level
    client.force_login(make_staff())
    sentence = f"SANDBOX_MINIMUM is {level}"
    status = client.get("/status/").text
    assert sentence in status
    assert ('class="notice error"' in status) == is_red
    for path in ("", "league/match/", "league/competition/add/", "auth/user/", "password_change/"):
        page = client.get(f"/admin/{path}").text
        assert sentence in page
        assert (f'<li class="error"><strong>{sentence}' in page) == is_red


def test_a_worker_with_a_weaker_minimum_of_its_own_shows_too(client):
    client.force_login(make_staff())
    assert "SANDBOX_MINIMUM" not in client.get("/admin/").text
    report(minimum="A")
    report(name="elsewhere", minimum="C", level="C")
    assert "SANDBOX_MINIMUM is C" in client.get("/admin/").text
    assert live.box().level == "C"
    report(name="elsewhere", minimum="Z")
    assert "SANDBOX_MINIMUM" not in client.get("/admin/").text

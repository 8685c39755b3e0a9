"""The status page: what waits, since when, and what mends it."""

import json
import re
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import Permission
from django.core.cache import cache
from django.utils import timezone

import kaggle_bridge
import league
from evaluation import broker
from evaluation.version import code_version
from league import halts, live, status, watchman, words
from league.models import (
    Alert,
    Attempt,
    AuditEntry,
    Competition,
    Episode,
    EpisodeSeat,
    Match,
    Submission,
)
from tests.factories import (
    make_competition,
    make_match,
    make_rated_match,
    make_staff,
    make_submission,
    make_user,
)

pytestmark = pytest.mark.django_db


def report(has_box=True, **fields):
    """What a worker writes to Redis about itself."""
    worker = {
        "name": "worker-1", "version": code_version(), "concurrency": 2,
        "level": "A" if has_box else "C", "has_box": has_box, "reason": "", "remedy": "",
        "checks": {"no_network": has_box}, "beat": time.time(),
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
    with django_assert_max_num_queries(13):
        client.get("/status/")


def test_asked_again_within_half_a_minute_it_counts_no_day(client, django_assert_max_num_queries):
    make_competition()
    client.get("/status/")
    with django_assert_max_num_queries(8):
        client.get("/status/")


def test_waiting_is_told_by_kind_state_and_age(client):
    competition = make_competition()
    first = make_submission(competition)
    make_match(competition, [first, first], purpose="self_play", candidate=first)
    rated = make_match(competition, [first, first], "DISPATCHED")
    since = timezone.now() - timedelta(minutes=7)
    Match.objects.filter(pk=rated.pk).update(state_since=since)
    rows = {(row.kind, row.state): row for row in status.waiting()}
    assert set(rows) == {("validation match", "queued"), ("rated match", "dispatched")}
    assert not rows["validation match", "queued"].is_stuck
    late = rows["rated match", "dispatched"]
    assert (late.count, late.oldest, late.is_stuck) == (1, since, True)
    assert "something waits longer than it should" in summary_of(client)
    competition.is_paused = True
    competition.save()
    assert "dispatched, paused" in client.get("/status/").text
    assert "something waits longer than it should" not in summary_of(client)


def summary_of(client):
    report()
    live.mark_beat()
    return client.get("/api/v1/status").json()["summary"]


def test_games_are_counted_by_competition_and_hour(client):
    connectx, other = make_competition(), make_competition("other")
    now = timezone.now()
    for competition, hours_ago, count in ((connectx, 0, 3), (connectx, 5, 2), (other, 23, 1)):
        first = make_submission(competition)
        for _ in range(count):
            match = make_match(competition, [first, first], "DONE")
            episode = Episode.objects.create(match=match, number=0)
            moment = now - timedelta(hours=hours_ago)
            Episode.objects.filter(pk=episode.pk).update(created=moment)
    old = Episode.objects.create(match=match, number=1)
    Episode.objects.filter(pk=old.pk).update(created=now - timedelta(hours=24))
    rows = status.day().throughput(status.watched_competitions(now))
    assert [row.competition for row in rows] == [connectx, other]
    assert rows[0].hours == [0] * 18 + [2] + [0] * 4 + [3]
    assert rows[1].hours == [1] + [0] * 23
    assert (rows[0].today, rows[0].busiest, rows[0].last_hour) == (5, 3, 3)
    page = client.get("/status/").text
    assert page.count('<svg class="hours"') == 2
    assert 'data-label="24 hours">5<' in page


def test_every_queue_has_words(client):
    assert list(words.QUEUES) == list(live.QUEUES)
    live.client().rpush(live.QUEUES[0], "a", "b")
    assert "first submissions 2, validations 0, rated matches 0" in client.get("/status/").text


def test_open_alerts_stand_first_with_what_to_do(client):
    now = timezone.now()
    Alert.objects.create(
        code="lock_waits", message="The field is still open.", count=3,
        raised=now - timedelta(hours=2), last_seen=now,
    )  # fmt: skip
    Alert.objects.create(code="unplayable", message="gone", raised=now, last_seen=now, closed=now)
    page = client.get("/status/").text
    assert page.index("The field is still open.") < page.index("Parts")
    assert "raised 3 times" in page
    assert "Look below for what stands too long, and why." in page
    assert "gone" not in page


def test_every_alert_that_is_raised_has_an_advice():
    """The codes stand in the calls of raise_alert, and in the watchman's table."""
    folders = [Path(package.__file__).parent for package in (league, kaggle_bridge)]
    sources = [path.read_text() for folder in folders for path in folder.glob("*.py")]
    codes = set(re.findall(r"raise_alert\(\s*\"(\w+)\"", "".join(sources)))
    assert len(codes) >= 5
    assert codes | set(watchman.CONDITIONS) == set(words.ALERTS)


def test_a_stop_is_said_before_all_else(client):
    report()
    live.mark_beat()
    halts.halt(make_staff(), "flood in the hall")
    page = client.get("/status/").text
    assert "Everything is stopped" in page
    assert "flood in the hall" in page
    assert "carol" not in page, "who it was is for staff"


def test_disk_budgets_and_the_last_backup_are_shown(client, settings):
    settings.REPLAY_BUDGET_GB = 2
    assert "none noted" in client.get("/status/").text
    cache.clear()
    AuditEntry.log(None, "backup", "league.tar.gz")
    page = client.get("/status/").text
    assert " free</span>, replays " in page
    assert "of 2.0" in page
    assert "none noted" not in page


def test_a_full_disk_is_named(client, settings):
    settings.DISK_RESERVE_MB = 10**9
    assert "The disk is nearly full" in client.get("/status/").text


def test_a_worker_with_other_code_is_shown_as_drained(client):
    live.mark_beat()
    report()
    assert "drained" not in client.get("/status/").text
    report(name="worker-2", version="another")
    assert "1 run another version and are drained" in client.get("/status/").text
    live.client().delete(broker.worker_key("worker-1"))
    assert "All evaluation workers run another version" in client.get("/status/").text


def control(client, action, reason="because", **fields):
    return client.post("/status/control/", {"action": action, "reason": reason} | fields)


def test_staff_pause_and_resume_a_competition_with_a_reason(client):
    make_competition()
    client.force_login(make_staff())
    assert 'value="pause"' in client.get("/status/").text
    assert control(client, "pause", "the hall is closed", competition="connectx").status_code == 302
    assert Competition.objects.get().is_paused
    assert 'value="resume"' in client.get("/status/").text
    control(client, "resume", competition="connectx")
    assert not Competition.objects.get().is_paused
    entries = [(entry.action, entry.reason) for entry in AuditEntry.objects.all()]
    assert entries == [("resume", "because"), ("pause", "the hall is closed")]


def test_staff_stop_all_and_lift_it(client):
    carol = make_staff()
    client.force_login(carol)
    control(client, "halt", "flood")
    assert halts.current().actor == carol
    assert 'value="lift"' in client.get("/status/").text
    control(client, "lift", "dry")
    assert halts.current() is None


@pytest.mark.parametrize("fields", [{"reason": ""}, {"action": "explode"}, {"competition": "n o"}])
def test_without_a_reason_nothing_is_stopped(client, fields):
    make_competition()
    client.force_login(make_staff())
    form = {"action": "pause", "competition": "connectx", "reason": "x"} | fields
    page = client.post("/status/control/", form, follow=True).text
    assert 'class="notice error"' in page
    assert not Competition.objects.get().is_paused
    assert not AuditEntry.objects.exists()


def test_a_competition_that_is_not_there_is_not_found(client):
    client.force_login(make_staff())
    assert control(client, "pause", competition="nowhere").status_code == 404


@pytest.mark.parametrize("name", [None, "bob"])
def test_nobody_else_stops_anything_or_sees_how(client, name):
    make_competition()
    if name:
        client.force_login(make_user(name))
    assert "status/control" not in client.get("/status/").text
    assert control(client, "halt").status_code == 403
    assert control(client, "pause", competition="connectx").status_code == 403
    assert client.get("/status/control/").status_code == 405
    assert halts.current() is None
    assert not Competition.objects.get().is_paused


def test_staff_without_the_right_see_and_do_nothing_either(client):
    make_competition()
    client.force_login(make_user("dave", is_staff=True))
    assert "status/control" not in client.get("/status/").text
    assert control(client, "halt").status_code == 403


def test_a_right_to_competitions_alone_does_not_stop_all(client):
    make_competition()
    dave = make_user("dave", is_staff=True)
    dave.user_permissions.add(Permission.objects.get(codename="change_competition"))
    client.force_login(dave)
    page = client.get("/status/").text
    assert 'value="pause"' in page
    assert 'value="halt"' not in page
    assert control(client, "halt").status_code == 403
    assert control(client, "pause", competition="connectx").status_code == 302


def test_the_api_says_the_same(client):
    report(version="another")
    competition = make_competition()
    make_match(competition, [make_submission(competition)] * 2)
    halts.halt(make_staff(), "flood")
    answer = client.get("/api/v1/status").json()
    assert answer["stopped"] == "flood"
    assert answer["summary"].startswith("Everything is stopped")
    assert [(row["kind"], row["count"]) for row in answer["waiting"]] == [("rated match", 1)]
    assert [(row["name"], row["is_current"]) for row in answer["workers"]] == [("worker-1", False)]
    assert answer["throughput"] == [
        {"competition": "connectx", "is_paused": False, "episodes": [0] * 24}
    ]
    assert [row["kind"] for row in answer["disk"]] == ["replays", "logs"]
    assert answer["disk_free_bytes"] > 0
    assert answer["alerts"] == answer["failures"] == answer["faults"] == []
    assert list(answer["queues"]) == list(live.QUEUES)
    assert answer["last_backup"] is None


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

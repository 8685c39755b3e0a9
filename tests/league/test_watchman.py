"""Alerts: raised once for what stays wrong, mailed once, closed when it is over."""

from datetime import timedelta

import pytest
from django.utils import timezone

from evaluation import broker
from league import alerts, beat, disk, live, storage, submissions, watchman
from league.errors import LeagueError
from league.models import Alert, Submission
from league.submissions import Upload
from tests.factories import make_competition, make_submission, make_user
from tests.league.test_outbox import worker

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _calm(monkeypatch):
    """Nothing was wrong before, and what is now counts at once."""
    monkeypatch.setattr(watchman, "_wrong_since", {})
    monkeypatch.setattr(watchman, "GRACE_S", 0.0)


@pytest.fixture
def look(django_capture_on_commit_callbacks):
    def look() -> set[str]:
        with django_capture_on_commit_callbacks(execute=True):
            watchman.look()
        return set(alerts.open_alerts().values_list("code", flat=True))

    return look


def report(**changes) -> None:
    broker.report_worker(live.client(), "w1", worker(**changes))


def test_all_well_is_no_alert(look):
    report()
    assert look() == set()


def test_a_league_without_workers_says_so_until_one_comes(look):
    assert look() == {"no_worker"}
    assert look() == {"no_worker"}
    assert Alert.objects.get().count == 2
    report()
    assert look() == set()
    assert Alert.objects.get().closed


def test_tasks_of_training_that_nobody_takes_are_told_and_not_heaped_up(look, monkeypatch):
    report()
    live.client().rpush("training", *range(watchman.MANY_WAITING))
    assert look() == {"training_silent"}
    monkeypatch.setattr(beat, "MOST_WAITING", watchman.MANY_WAITING)
    assert beat.is_full("training")
    live.client().ltrim("training", 0, 0)
    assert look() == set()
    assert not beat.is_full("training")


def test_what_is_wrong_for_a_moment_only_is_no_alert(look, monkeypatch):
    monkeypatch.setattr(watchman, "GRACE_S", 60.0)
    assert look() == set()


def test_a_box_that_does_not_hold_comes_with_its_remedy(look):
    report(has_box=False, reason="No user namespaces.", remedy="sudo sysctl -w a.b=0")
    assert look() == {"no_box"}
    assert Alert.objects.get().message.endswith("sudo sysctl -w a.b=0")


def test_what_stands_too_long_is_told_unless_it_is_meant_to(look):
    report()
    competition = make_competition()
    make_submission(competition, make_user("alice"), "PENDING")
    Submission.objects.update(status_since=timezone.now() - timedelta(minutes=11))
    assert look() == {"standstill"}
    competition.is_paused = True
    competition.save()
    assert look() == set()


def test_staff_with_an_address_get_one_mail(mailoutbox, django_capture_on_commit_callbacks):
    make_user("carol", is_staff=True, email="carol@example.org")
    make_user("dave", is_staff=True)
    make_user("alice", email="alice@example.org")
    with django_capture_on_commit_callbacks(execute=True):
        alerts.raise_alert("no_worker", "Nothing is played.")
    assert [alerts.mail_new(), alerts.mail_new()] == [1, 0]
    assert [mail.to for mail in mailoutbox] == [["carol@example.org"]]
    assert "Nothing is played." in mailoutbox[0].body


def test_what_is_not_raised_again_for_hours_is_over(django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        alerts.raise_alert("match_given_up", "match 3 was given up", "connectx")
        alerts.raise_alert("unplayable", "#7", "connectx")
    long_ago = timezone.now() - alerts.SILENT_AFTER
    Alert.objects.filter(code="unplayable").update(last_seen=long_ago)
    assert alerts.close_silent() == 1
    assert [alert.code for alert in alerts.open_alerts()] == ["match_given_up"]


class TestTheDisk:
    @pytest.fixture
    def episodes(self, settings, tmp_path):
        """Five folders with two episodes of 1 MB of replay and 0.5 MB of logs each."""
        settings.DATA_DIR = tmp_path
        for folder in range(5):
            for number in (1, 2):
                pk = 1000 * folder + number
                storage.save_episode_files(pk, bytes(2**20), bytes(2**19))

    def kept(self, find) -> list[int]:
        return [folder for folder in range(5) if find(1000 * folder + 1).exists()]

    def test_what_is_over_the_budget_goes_oldest_first(self, episodes, settings):
        settings.REPLAY_BUDGET_GB, settings.LOG_BUDGET_GB = 5 / 1024, 2.5 / 1024
        assert disk.prune() == 3 + 3
        assert self.kept(storage.replay_path) == self.kept(storage.logs_path) == [3, 4]
        assert disk.prune() == 0
        assert disk.used_bytes("replays") == 4 * 2**20

    def test_the_newest_stay_however_small_the_budget(self, episodes, settings):
        settings.REPLAY_BUDGET_GB = 1 / 2**20
        disk.prune()
        assert self.kept(storage.replay_path) == [4]

    def test_without_a_budget_all_stay(self, episodes, settings):
        settings.REPLAY_BUDGET_GB = settings.LOG_BUDGET_GB = 0
        assert disk.used_bytes("replays") is None
        assert disk.prune() == 0
        assert disk.used_bytes("replays") == 10 * 2**20

    def test_a_look_that_takes_too_long_goes_on_the_next_time(
        self, episodes, settings, monkeypatch
    ):
        settings.REPLAY_BUDGET_GB = settings.LOG_BUDGET_GB = 0
        disk.prune()
        storage.save_episode_files(5001, bytes(2**20), b"")
        monkeypatch.setattr(disk, "LOOK_S", -1.0)
        disk.prune()
        assert disk.used_bytes("replays") == 10 * 2**20
        monkeypatch.undo()
        disk.prune()
        assert disk.used_bytes("replays") == 11 * 2**20

    def test_nearly_full_takes_no_upload_and_counts_none(self, settings, look):
        report()
        settings.DISK_RESERVE_MB = 10**9
        upload = Upload.from_source("def agent(o):\n    return 0\n")
        competition, alice = make_competition(), make_user("alice")
        with pytest.raises(LeagueError) as refused:
            submissions.submit(competition, alice, upload)
        assert (refused.value.status, refused.value.code) == (503, "disk_full")
        assert not Submission.objects.exists()
        assert look() == {"disk_nearly_full"}
        settings.DISK_RESERVE_MB = 1
        assert look() == set()

"""What is due, what is stopped, and what becomes of errors; on this machine, without a worker."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from kaggle_bridge import accounts, driver, notices, runs, sessions, store
from kaggle_bridge.backend import Missing, NoQuota, NotNow, Refused, Trouble
from kaggle_bridge.backends.local import LocalBackend
from kaggle_bridge.local.spool import Spool, Stage, State
from kaggle_bridge.models import CheckpointState, RunState, TrainingRun
from league.models import Alert
from tests.kaggle_bridge.course import drive, started
from tests.kaggle_bridge.rows import add_checkpoint

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def spool(settings, tmp_path: Path) -> Spool:
    """As if a training worker were there, which takes nothing."""
    settings.DATA_DIR = tmp_path
    found = Spool(tmp_path)
    found.beat()
    return found


@pytest.fixture
def queued(spool):
    return drive(started(backend="local"), until=lambda run: run.state == RunState.QUEUED)


def test_a_due_run_is_claimed_by_one_look(queued):
    queued.keep(due_at=timezone.now())
    assert driver.due() == [queued.pk]
    assert driver.due() == []


def test_what_was_cancelled_is_stopped_though_it_was_tried_again_at_once(queued):
    runs.cancel(queued, None)
    runs.retry(queued, None)
    driver.advance(queued.pk)
    run = drive(queued, until=lambda run: run.state == RunState.QUEUED)
    first, second = run.sessions.all()
    assert first.finished_at is not None
    assert (first.kernel_version, second.kernel_version) == (1, 2)


def test_a_cancelled_push_without_an_answer_is_found_and_stopped(queued, spool):
    runs.cancel(queued, None)
    session = queued.sessions.get()
    session.keep(kernel_version=None)
    assert driver.due() == [queued.pk]
    driver.advance(queued.pk)
    session.refresh_from_db()
    assert (session.kernel_version, session.finished_at is None) == (1, False)
    assert driver.due() == []


def test_a_kernel_that_is_gone_fails_a_run_and_is_sent_anew_when_retried(queued, spool, tmp_path):
    slug = queued.kernel_ref.partition("/")[2]
    (tmp_path / "training" / "spool" / "kernels" / slug).rename(tmp_path / "gone")
    run = drive(queued)
    assert run.state == RunState.FAILED
    assert "sends it anew" in run.error
    runs.retry(run, None)
    run = drive(run, until=lambda run: run.state == RunState.QUEUED)
    assert run.sessions.count() == 2


def test_an_error_of_ours_is_counted_shown_and_raised_as_an_alert(queued, monkeypatch):
    def explode(*arguments):
        raise RecursionError("deep inside")

    monkeypatch.setattr("kaggle_bridge.sessions.step", explode)
    for _ in range(driver.WORRYING):
        driver.advance(queued.pk)
    queued.refresh_from_db()
    assert queued.troubles == driver.WORRYING
    assert queued.note.startswith("Our fault")
    assert Alert.objects.get().code == "training_trouble"
    monkeypatch.undo()
    driver.advance(queued.pk)
    assert Alert.objects.get().closed is not None


def test_troubles_without_end_end_a_run(queued, monkeypatch):
    monkeypatch.setattr(driver, "MOST_TROUBLES", 2)
    monkeypatch.setattr("kaggle_bridge.sessions.step", lambda *_: 1 / 0)
    run = drive(queued)
    assert run.state == RunState.FAILED
    assert "Given up after 2 tries" in run.error


def test_without_a_worker_a_run_waits_and_says_so(settings, tmp_path):
    settings.DATA_DIR = tmp_path
    run = started(backend="local")
    driver.advance(run.pk)
    run.refresh_from_db()
    assert run.state == RunState.PUSHING
    assert "No training worker" in run.note


def test_a_clock_that_was_set_back_holds_nothing_up(queued):
    queued.keep(due_at=timezone.now() + timedelta(hours=5))
    assert driver.due() == [queued.pk]


def test_what_a_service_says_for_too_long_is_not_believed(queued, spool):
    version = spool.newest(queued.kernel_ref.partition("/")[2])
    version.set_state(State(Stage.RUNNING))
    queued.sessions.update(state_since=timezone.now() - timedelta(hours=20))
    run = drive(queued, until=lambda run: run.state in (RunState.WAITING, RunState.FAILED))
    assert "long overdue" in run.sessions.first().reason


def test_an_old_answer_does_not_end_a_new_life(queued, monkeypatch):
    def refused_late(run, place):
        runs.cancel(TrainingRun.objects.get(pk=run.pk), None)
        runs.retry(TrainingRun.objects.get(pk=run.pk), None)
        raise Refused("no such thing")

    monkeypatch.setattr("kaggle_bridge.sessions.step", refused_late)
    driver.advance(queued.pk)
    queued.refresh_from_db()
    assert (queued.state, queued.error) == (RunState.PUSHING, "")


def test_the_last_of_many_runs_waits_here_as_long_as_it_takes(queued):
    queued.sessions.update(state_since=timezone.now() - timedelta(days=3))
    driver.advance(queued.pk)
    queued.refresh_from_db()
    assert queued.state == RunState.QUEUED
    assert queued.sessions.get().finished_at is None


def test_an_error_whose_step_was_rolled_back_is_counted(queued, monkeypatch):
    queued.sessions.update(state="FAILED")
    queued.move(RunState.QUEUED, RunState.WAITING)
    monkeypatch.setattr("kaggle_bridge.runs.add_session", lambda run: 1 / 0)
    driver.advance(queued.pk)
    queued.refresh_from_db()
    assert (queued.state, queued.troubles) == (RunState.WAITING, 1)


def test_what_is_missing_once_among_other_troubles_is_not_believed(queued, monkeypatch):
    answers = [*[Trouble("no connection")] * 4, *[Missing("no such kernel")] * 2]

    def fails(run, place):
        raise answers.pop(0)

    monkeypatch.setattr("kaggle_bridge.sessions.step", fails)
    for _ in range(5):
        driver.advance(queued.pk)
    queued.refresh_from_db()
    assert (queued.state, queued.note) == (RunState.QUEUED, "no such kernel")
    driver.advance(queued.pk)
    queued.refresh_from_db()
    assert queued.state == RunState.FAILED


def test_a_wait_of_days_ends_when_it_was_said_to(queued, monkeypatch):
    until = timezone.now() + timedelta(days=5)

    def is_used_up(run, place):
        raise NoQuota("used up", until)

    queued.move(RunState.QUEUED, RunState.PUSHING)
    monkeypatch.setattr("kaggle_bridge.sessions.step", is_used_up)
    driver.advance(queued.pk)
    queued.refresh_from_db()
    assert queued.state == RunState.WAITING
    assert until < queued.due_at < until + timedelta(minutes=3)


def test_a_lost_push_is_waited_for_before_the_next_one(queued, spool):
    version = spool.newest(queued.kernel_ref.partition("/")[2])
    hidden = version.folder.rename(spool.folder / "hidden")
    queued.sessions.update(kernel_version=None, pushed_at=timezone.now() + timedelta(seconds=-1))
    runs.cancel(queued, None)
    runs.retry(queued, None)
    driver.advance(queued.pk)  # the push is not to be seen yet
    first, second = queued.sessions.all()
    assert (first.finished_at, second.pushed_at) == (None, None)
    hidden.rename(version.folder)
    driver.advance(queued.pk)
    first, second = queued.sessions.all()
    assert (first.kernel_version, second.kernel_version) == (1, 2)
    assert version.is_asked_to_stop()


def test_a_failed_run_with_all_its_steps_goes_on_with_what_it_has_to_enter(queued, monkeypatch):
    driver.fail(queued, "Our fault: the disk was full.")
    assert Alert.objects.get(closed=None).code == "training_failed"
    monkeypatch.setattr(runs, "_has_all_steps", lambda run: True)
    runs.retry(queued, None)
    assert (queued.state, queued.sessions.count()) == (RunState.COMPLETE, 1)
    assert not Alert.objects.filter(closed=None).exists()
    assert drive(queued).ended


def test_cancelling_closes_what_was_told_of_a_run(queued):
    notices.trouble(queued, "no connection")
    runs.cancel(queued, None)
    assert not Alert.objects.filter(closed=None).exists()


def test_a_run_is_failed_with_its_session_or_not_at_all(queued, monkeypatch):
    monkeypatch.setattr(notices, "failed", lambda run: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        driver.fail(queued, "no such thing")
    queued.refresh_from_db()
    assert (queued.state, queued.sessions.get().state) == (RunState.QUEUED, "QUEUED")


@pytest.mark.parametrize("answer", [Missing("404"), Refused("400")])
def test_where_the_quota_is_not_told_the_settings_count(queued, monkeypatch, answer):
    class Silent:
        name = "kaggle"

        def quota(self):
            raise answer

    queued.backend, queued.accelerator = "kaggle", "gpu"
    assert accounts.time_for(queued, Silent()) == queued.session_s


def test_what_a_run_that_is_over_could_not_enter_is_tried_again(queued):
    add_checkpoint(queued, 100, state=CheckpointState.WANTED)
    assert driver.left_over() == []  # its own course sees to it
    driver.fail(queued, "no such thing")
    assert driver.left_over() == [queued.pk]


def test_the_longest_pause_between_two_looks_is_kept(queued, monkeypatch):
    monkeypatch.setattr("kaggle_bridge.sessions.step", lambda run, place: 9000.0)
    driver.advance(queued.pk)
    assert driver.due() == []


def test_a_dataset_that_was_not_sent_is_sent_without_asking_again(queued, spool, tmp_path):
    """Else few calls a minute would all be used up by the question."""
    row = add_checkpoint(queued, 100)
    file = store.path(row.sha256)
    file.parent.mkdir(parents=True)
    file.write_bytes(b"a checkpoint")
    place = Hurried(tmp_path)
    queued.sessions.update(finished_at=timezone.now())
    runs.cancel(queued, None)
    runs.retry(queued, None)
    session = sessions.open_session(queued)
    assert session.resume == row
    for _ in range(3):
        with pytest.raises(NotNow):
            sessions.step(queued, place)
    assert place.asked == 1


class Hurried(LocalBackend):
    """Has calls left for a question, and none for an answer to it."""

    asked = 0

    def dataset(self, ref):
        self.asked += 1
        return super().dataset(ref)

    def upload(self, *args):
        raise NotNow("no calls left", 1.0)

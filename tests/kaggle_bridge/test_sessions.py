"""A run's course: what each ending of a session means for it."""

import pytest

from kaggle_bridge import runs
from kaggle_bridge.models import RunState, Session
from league.errors import Conflict
from tests.kaggle_bridge.course import TOTAL, drive, started, steps, story

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.kaggle]


def pushes(service) -> int:
    return len(service.journal.of("SaveKernel"))


@pytest.mark.slow
def test_a_run_of_one_session_is_pushed_once_and_ends_complete(serve):
    service = serve("all")
    run = drive(started())
    assert (run.state, run.step, run.error) == (RunState.COMPLETE, TOTAL, "")
    assert story(run) == [(1, "COMPLETE", TOTAL)]
    assert steps(run) == [100, 200, 300, 400]
    assert list(run.metrics.values_list("step", flat=True)) == [100, 200, 300, 400]
    assert pushes(service) == 1


def test_a_session_that_stops_in_good_time_is_followed_by_one_that_goes_on(serve):
    service = serve("half", "all", layout="owner")
    run = drive(started())
    assert story(run) == [(1, "TIMED_OUT", 200), (2, "COMPLETE", TOTAL)]
    assert steps(run) == [100, 200, 300, 400]
    assert run.sessions.get(number=2).dataset_version == 1
    assert pushes(service) == 2


@pytest.mark.slow
def test_a_session_killed_with_output_is_gone_on_from(serve):
    serve("killed", "all")
    run = drive(started())
    assert run.state == RunState.COMPLETE
    assert story(run) == [(1, "FAILED", 200), (2, "COMPLETE", TOTAL)]


@pytest.mark.slow
@pytest.mark.parametrize("word", ["ERROR", "CANCEL_ACKNOWLEDGED"])
@pytest.mark.parametrize("is_kept", [True, False])
def test_a_session_out_of_time_is_gone_on_from_with_its_output_or_without(serve, word, is_kept):
    serve("endless", "all", timeout_status=word, keeps_output_of_timeout=is_kept)
    run = drive(started(session_s=8))
    assert run.state == RunState.COMPLETE
    assert [state for _, state, _ in story(run)] == ["TIMED_OUT", "COMPLETE"]
    assert (run.sessions.get(number=2).resume is not None) == is_kept


@pytest.mark.slow
def test_a_session_killed_without_output_is_tried_once_more(serve):
    serve("killed", "all", keeps_output_of_error=False)
    run = drive(started())
    assert run.state == RunState.COMPLETE
    assert [state for _, state, _ in story(run)] == ["FAILED", "COMPLETE"]
    assert run.sessions.get(number=2).resume is None


@pytest.mark.slow
def test_two_sessions_in_a_row_without_a_checkpoint_end_a_run(serve):
    serve("nothing")
    run = drive(started())
    assert run.state == RunState.FAILED
    assert "look at the log" in run.error
    assert [state for _, state, _ in story(run)] == ["FAILED", "FAILED"]


@pytest.mark.slow
def test_a_run_is_not_complete_without_the_checkpoint_of_its_last_step(serve):
    serve("liar", "all")
    run = drive(started())
    assert run.state == RunState.COMPLETE
    assert story(run) == [(1, "FAILED", 200), (2, "COMPLETE", TOTAL)]
    assert "last checkpoint is missing" in run.sessions.get(number=1).reason


@pytest.mark.slow
def test_a_session_killed_after_its_last_checkpoint_has_done_all(serve):
    serve("piece", "piece", "piece", "killed")
    run = drive(started(max_sessions=4))
    assert run.state == RunState.COMPLETE
    assert story(run)[-1] == (4, "COMPLETE", TOTAL)


@pytest.mark.parametrize("deed", ["failed", "refused"])
def test_a_kernel_that_says_why_it_failed_is_not_tried_again(serve, deed):
    service = serve(deed)
    run = drive(started())
    assert (run.state, run.error) == (RunState.FAILED, "As it was planned.")
    assert pushes(service) == 1


@pytest.mark.slow
def test_no_more_sessions_than_allowed_and_one_more_by_retry(serve):
    serve("half", "all")
    run = drive(started(max_sessions=1))
    assert run.state == RunState.FAILED
    assert "Its sessions are used up (1), at step 200 of 400" in run.error
    runs.retry(run, None)
    run = drive(run)
    assert run.state == RunState.COMPLETE
    assert story(run) == [(1, "TIMED_OUT", 200), (2, "COMPLETE", TOTAL)]


def test_a_cancelled_run_is_not_moved_on_and_waits_for_its_kernel_when_retried(serve):
    service = serve("slow", "all")
    run = drive(started(), until=lambda run: run.state == RunState.RUNNING)
    runs.cancel(run, None, "enough")
    run = drive(run)
    assert (run.state, run.error) == (RunState.CANCELLED, "Cancelled: enough")
    with pytest.raises(Conflict):
        runs.cancel(run, None)
    runs.retry(run, None)
    run = drive(run)
    assert run.state == RunState.COMPLETE
    assert pushes(service) == 2
    first, second = run.sessions.all()
    assert first.finished_at <= second.pushed_at


@pytest.mark.slow
def test_an_invalid_dataset_source_fails_the_push(serve):
    service = serve("half", "all")
    service.faults.add("SaveKernel", "invalid-source", skip=1)
    run = drive(started())
    assert run.state == RunState.FAILED
    assert "does not know alice/" in run.error
    assert run.sessions.get(number=2).state == Session.State.FAILED


def test_used_up_quota_makes_a_run_wait_and_says_until_when(serve):
    service = serve("all", quota_s={"gpu": 0.0, "tpu": 0.0})
    run = drive(
        started(accelerator="gpu"), until=lambda run: run.state == RunState.WAITING and run.note
    )
    assert "GPU of this week are used up" in run.note
    assert run.waits_until.date() == service.options.quota_resets_at.date()
    assert pushes(service) == 0
    service.options.quota_s["gpu"] = 3600.0 * 30
    assert drive(run).state == RunState.COMPLETE

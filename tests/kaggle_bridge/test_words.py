"""Every state of training has its sentence, and a run says where it stands."""

from datetime import timedelta

import pytest
from django.utils import timezone

from kaggle_bridge import words
from kaggle_bridge.models import (
    Backend,
    CheckpointState,
    Enter,
    RunState,
    SessionState,
    TrainingRun,
)
from tests.factories import make_competition
from tests.kaggle_bridge.rows import add_checkpoint, add_session, make_run


@pytest.mark.parametrize(
    ("states", "sentences"),
    [
        (RunState, words.RUN_STATES),
        (SessionState, words.SESSION_STATES),
        (CheckpointState, words.CHECKPOINT_STATES),
        (Enter, words.ENTER),
    ],
)
def test_every_state_has_a_sentence(states, sentences):
    assert set(sentences) == set(states)
    assert all(text[0].isupper() and text.endswith(".") for text in sentences.values())


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0"), (512, "512"), (1000, "1 k"), (301_056, "301 k"), (999_999, "999 k"),
        (12_340, "12.3 k"),
        (4_100_000, "4.1 M"), (10_000_000, "10 M"), (123_456_789, "123 M"), (2 * 10**9, "2 G"),
    ],
)  # fmt: skip
def test_steps_are_short(count, text):
    assert words.steps(count) == text


@pytest.mark.django_db
def test_a_running_run_says_where_how_far_and_how_long():
    run = make_run(step=4_100_000, total_steps=10_000_000)
    session = add_session(run)
    assert words.standing(run, session, 4800) == (
        "Running on this machine, session 1 of at most 5, step 4.1 M of 10 M, "
        "about 1 h 20 min left."
    )


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("state", "session", "text"),
    [
        ("PUSHING", "PUSHING", "Being sent to Kaggle, session 1 of at most 5, step 0 of 300 k."),
        ("QUEUED", "QUEUED", "Queued on Kaggle, session 1 of at most 5, step 0 of 300 k."),
        ("WAITING", "TIMED_OUT", "Waiting to begin session 2 of at most 5 on Kaggle, step 0 of"),
        ("WAITING", "PUSHING", "Waiting to begin session 1 of at most 5 on Kaggle, step 0 of"),
        ("FAILED", "FAILED", "Failed at step 0 of 300 k. There is no such GPU."),
        ("COMPLETE", "COMPLETE", "All 300 k steps are done in 1 session, and its checkpoints are"),
    ],
)
def test_each_state_is_told_in_a_sentence(state, session, text):
    run = make_run(state, backend="kaggle", error="There is no such GPU.")
    assert words.standing(run, add_session(run, session)).startswith(text)


@pytest.mark.django_db
@pytest.mark.parametrize("backend", Backend.values)
@pytest.mark.parametrize("state", RunState.values)
def test_no_state_is_without_words(state, backend):
    run = make_run(state, backend=backend)
    sentence = words.standing(run, None)
    assert sentence[0].isupper()
    assert sentence.endswith(".")
    assert "None" not in sentence


@pytest.mark.django_db
def test_a_complete_run_says_what_became_of_it():
    now = timezone.now()
    competition = make_competition(title="ConnectX")
    entered = make_run("IMPORTED", competition=competition, ended=now)
    assert words.standing(entered, None).endswith("wanted of it has entered ConnectX.")
    futile = make_run("COMPLETE", competition=competition, ended=now)
    assert words.standing(futile, None).endswith("nothing of it has entered ConnectX.")
    alone = make_run("COMPLETE", ended=now)
    assert words.standing(alone, None) == "All 300 k steps are done."


@pytest.mark.django_db
def test_a_cancelled_run_gives_the_reason_once():
    run = make_run("CANCELLED", step=1000, error="Cancelled: wrong preset.")
    assert words.standing(run, None) == (
        "Cancelled at step 1 k of 300 k. The reason given: wrong preset."
    )
    run.error = "Cancelled."
    assert words.standing(run, None) == "Cancelled at step 1 k of 300 k."


@pytest.mark.django_db
def test_what_to_do_is_said_where_something_can_be_done():
    run = make_run("FAILED", ended=timezone.now() - timedelta(hours=1))
    assert words.next_step(run, None).endswith("begins anew.")
    early, last = add_checkpoint(run, 100_000), add_checkpoint(run, 300_000)
    assert words.next_step(run, early) == "Trying again goes on from its checkpoint of step 100 k."
    assert "nothing of the training is left" in words.next_step(run, last)
    run.state = TrainingRun.State.RUNNING
    assert words.next_step(run, early) == ""

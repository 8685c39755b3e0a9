"""Entrants: which checkpoints are submitted, once each, and which make room for them."""

import os
import subprocess
import sys
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from evaluation import bundle
from kaggle_bridge import entrants, store
from kaggle_bridge.entrants import (
    choose,
    has_more,
    import_next,
    move_seconds,
    retire_all_superseded,
    retire_superseded,
    standing,
    wanted,
)
from kaggle_bridge.inspecting.inspection import InspectionFault
from kaggle_bridge.models import Checkpoint, TrainingRun
from league import entrants as ladder
from league import storage, submissions
from league.models import AuditEntry, Competition, Ladder, Stage, Submission, Team
from tests.factories import make_competition
from tests.kaggle_bridge.hand_made import entry, make_run, write_checkpoint
from tests.stack import PROJECT, database_url

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, settings) -> None:
    settings.DATA_DIR = tmp_path / "data"
    settings.DATA_DIR.mkdir()


@pytest.fixture
def competition() -> Competition:
    return make_competition("tictactoe", environment="tictactoe")


@pytest.fixture
def run(competition) -> TrainingRun:
    return make_run(competition=competition)


def add(run: TrainingRun, step: int, is_wanted: bool = True, **fields) -> Checkpoint:
    """A row without a file."""
    manifest = {"is_wanted": is_wanted, "source_hash": "5" * 64}
    values = {"sha256": f"{run.pk:032x}{step:032x}", "size_bytes": 1, "manifest": manifest}
    return Checkpoint.objects.create(run=run, step=step, **(values | fields))


def add_file(run: TrainingRun, tmp_path, step: int, **changes) -> Checkpoint:
    path = write_checkpoint(tmp_path / f"step_{step}.safetensors", step, **changes)
    told = entry(path)
    store.keep(path, told["sha256"])
    return add(run, step, **told)


def enter_by_hand(run: TrainingRun, row: Checkpoint, status: str = "ACTIVE") -> Submission:
    """As if its validation had ended so; on the ladder where it is active."""
    team = entrants.team_of(run, run.competition)
    upload = submissions.Upload.from_source(f"def agent(o, c):\n    return {row.step}\n")
    submission = submissions.submit_as(team, run.competition, upload).submission
    Submission.objects.filter(pk=submission.pk).update(status=status)
    submission.refresh_from_db()
    if status == "ACTIVE":
        ladder.enter(submission)
    row.keep(state="ENTERED", submission=submission)
    return submission


def states(run: TrainingRun) -> dict[int, str]:
    return dict(run.checkpoints.values_list("step", "state"))


def active_steps(run: TrainingRun) -> list[int]:
    rows = run.checkpoints.filter(submission__status="ACTIVE")
    return sorted(rows.values_list("step", flat=True))


# Which ones a kernel brings out.


def test_every_asks_for_ten_at_even_distances(run) -> None:
    run.resolved = run.resolved | {"save_interval": 50}
    assert wanted(run) == tuple(range(100, 1001, 100))


def test_what_has_come_is_not_asked_for_again(run) -> None:
    add(run, 305)
    add(run, 480, is_wanted=False)
    assert wanted(run) == (400, 500, 600, 700, 800, 900, 1000)


def test_last_asks_for_the_last_and_best_for_more_than_play(competition) -> None:
    assert wanted(make_run(enter="last")) == (1000,)
    best = make_run(enter="best")
    best.resolved = best.resolved | {"save_interval": 10}
    assert len(wanted(best)) == 20


# Which ones are chosen.


def test_every_takes_what_was_wanted_as_it_comes(run) -> None:
    add(run, 100)
    add(run, 150, is_wanted=False)
    assert choose(run) == 1
    add(run, 200)
    assert choose(run) == 1
    assert states(run) == {100: "WANTED", 150: "KEPT", 200: "WANTED"}
    assert has_more(run)


def test_of_more_than_can_play_a_spread_is_taken(run) -> None:
    for step in range(50, 1001, 50):
        add(run, step)
    assert choose(run) == 10
    assert states(run)[1000] == "WANTED"


def test_best_takes_the_highest_of_the_arena_and_forgets_the_one_before(run) -> None:
    run.keep(enter="best")
    add(run, 100, arena=None)
    assert choose(run) == 0
    add(run, 200, arena=900.0)
    add(run, 300, arena=800.0)
    assert choose(run) == 1
    assert states(run) == {100: "KEPT", 200: "WANTED", 300: "KEPT"}
    add(run, 400, arena=900.0)
    assert choose(run) == 0  # an equal one is not better
    add(run, 500, arena=950.0)
    choose(run)
    wanted = [step for step, state in states(run).items() if state == "WANTED"]
    assert wanted == [500]


def test_where_the_best_has_failed_the_next_is_taken(run) -> None:
    run.keep(enter="best")
    add(run, 100, arena=800.0)
    enter_by_hand(run, add(run, 200, arena=900.0), "REJECTED")
    add(run, 300, arena=1000.0, state="REFUSED")
    choose(run)
    assert states(run)[100] == "WANTED"


def test_last_waits_for_the_last(run) -> None:
    run.keep(enter="last")
    add(run, 900)
    assert choose(run) == 0
    add(run, 1004)
    assert choose(run) == 1
    assert states(run) == {900: "KEPT", 1004: "WANTED"}


def test_without_a_competition_nothing_is_chosen() -> None:
    run = make_run()
    add(run, 100)
    assert (choose(run), import_next(run), has_more(run)) == (0, False, False)


# Entering.


def test_a_checkpoint_becomes_a_submission_of_the_runs_own_team(run, tmp_path) -> None:
    row = add_file(run, tmp_path, 100)
    choose(run)
    assert import_next(run)
    row.refresh_from_db()
    submission = row.submission
    assert (row.state, submission.status, submission.kind) == ("ENTERED", "PENDING", "bundle")
    assert submission.team == TrainingRun.objects.get(pk=run.pk).team
    assert (submission.team.name, submission.team.is_system) == (
        f"Training {run.pk}: tictactoe", True,
    )  # fmt: skip
    assert f"step 100 of training run {run.pk}" in submission.description
    path = storage.upload_path(submission.sha256)
    assert bundle.unpack(path, submission.filename, tmp_path / "agent").name == "main.py"
    assert not has_more(run)
    assert not import_next(run)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_killed_anywhere_it_enters_once(run, tmp_path, settings) -> None:
    row = add_file(run, tmp_path, 100)
    choose(run)
    environment = {
        "PATH": os.environ["PATH"],
        "DJANGO_SETTINGS_MODULE": "league.settings",
        "DATA_DIR": str(settings.DATA_DIR),
        "DATABASE_URL": database_url(connection.settings_dict),
        "REDIS_URL": settings.REDIS_URL,
        "SECRET_KEY": settings.SECRET_KEY,
    }
    command = [sys.executable, "-m", "tests.kaggle_bridge.dying", str(run.pk)]
    done = subprocess.run(command, env=environment, cwd=PROJECT, stdout=subprocess.PIPE, text=True)
    assert int(done.stdout) > 15
    row.refresh_from_db()
    assert row.state == "ENTERED"
    assert row.submission == Submission.objects.get()
    assert Team.objects.filter(is_system=True).count() == 1
    assert AuditEntry.objects.filter(action="submit").count() == 1


def test_what_was_submitted_before_a_kill_is_found_again(run, tmp_path, monkeypatch) -> None:
    """Also where another release would make other bytes of it."""
    add_file(run, tmp_path, 100)
    choose(run)
    import_next(run)
    run.checkpoints.update(state="WANTED", submission=None)
    monkeypatch.setattr(entrants, "MOST_MOVE_S", 0.1)
    assert import_next(run)
    assert run.checkpoints.get().submission == Submission.objects.get()


@pytest.mark.parametrize(
    ("fields", "changes", "sentence"),
    [
        ({"environment": "connectx"}, {}, "not on connectx"),
        ({}, {"environment": {"name": "tictactoe", "version": "0.9"}}, "trained on tictactoe 0.9"),
        ({"deadline": timezone.now() - timedelta(1)}, {}, "The deadline has passed"),
        ({}, {"config": {"task": "selfplay"}}, "does not say what network it holds"),
    ],
)
def test_what_cannot_be_entered_is_refused_with_a_sentence(
    run, competition, tmp_path, fields, changes, sentence
) -> None:
    for name, value in fields.items():
        setattr(competition, name, value)
    competition.opens_at = timezone.now() - timedelta(2)
    competition.save()
    row = add_file(run, tmp_path, 100, **changes)
    choose(run)
    run.refresh_from_db()
    assert import_next(run)
    row.refresh_from_db()
    assert (row.state, row.submission) == ("REFUSED", None)
    assert sentence in row.error
    assert not has_more(run)


def test_a_file_that_is_gone_is_refused_and_the_next_one_entered(run, tmp_path) -> None:
    add(run, 100)
    add_file(run, tmp_path, 200)
    choose(run)
    while import_next(run):
        pass
    assert states(run) == {100: "REFUSED", 200: "ENTERED"}
    assert "not in the store" in run.checkpoints.get(step=100).error


def test_a_board_of_another_size_is_played_by_threats(tmp_path) -> None:
    wide = make_competition(configuration={"rows": 5, "columns": 6, "inarow": 4})
    run = make_run("connectx", competition=wide)
    row = add_file(run, tmp_path, 100, game="connectx")
    choose(run)
    import_next(run)
    row.refresh_from_db()
    assert (row.state, row.error) == ("ENTERED", "")


def test_before_it_opens_it_waits(run, competition, tmp_path) -> None:
    Competition.objects.update(opens_at=timezone.now() + timedelta(1))
    add_file(run, tmp_path, 100)
    choose(run)
    run.refresh_from_db()
    with pytest.raises(InspectionFault, match="Submissions open on"):
        import_next(run)
    assert states(run) == {100: "WANTED"}


def test_a_full_disk_is_waited_out(run, tmp_path, settings) -> None:
    add_file(run, tmp_path, 100)
    choose(run)
    settings.DISK_RESERVE_MB = 10**9
    with pytest.raises(InspectionFault, match="disk is nearly full"):
        import_next(run)
    assert states(run) == {100: "WANTED"}


@pytest.mark.parametrize(
    ("configuration", "seconds"),
    [({}, 0.2), ({"actTimeout": 0.5}, 0.1), ({"actTimeout": 0, "remainingOverageTime": 5}, 0.1)],
)
def test_an_entrant_thinks_for_a_fifth_of_what_it_may(competition, configuration, seconds) -> None:
    competition.configuration = configuration
    assert move_seconds(competition) == pytest.approx(seconds)


# Making room.


def test_the_one_before_retires_once_the_better_one_is_active(run) -> None:
    run.keep(enter="best")
    first = enter_by_hand(run, add(run, 100, arena=900.0))
    second = enter_by_hand(run, add(run, 200, arena=950.0), "PENDING")
    assert retire_superseded(run) == retire_all_superseded() == 0
    Submission.objects.filter(pk=second.pk).update(status="ACTIVE")
    ladder.enter(Submission.objects.get(pk=second.pk))
    assert retire_all_superseded() == 1
    assert active_steps(run) == [200]
    assert Submission.objects.get(pk=first.pk).status == "RETIRED"
    assert run.checkpoints.get(step=100).submission == first
    assert AuditEntry.objects.get(action="retire").reason == f"superseded in run {run.pk}"
    assert retire_all_superseded() == 0


def test_a_better_one_that_was_refused_supersedes_nothing(run) -> None:
    run.keep(enter="best")
    enter_by_hand(run, add(run, 100, arena=900.0))
    enter_by_hand(run, add(run, 200, arena=950.0), "REJECTED")
    assert retire_superseded(run) == 0
    assert active_steps(run) == [100]


def test_of_every_ten_stay_well_spread(run) -> None:
    for step in range(100, 1001, 100):
        enter_by_hand(run, add(run, step))
    assert retire_superseded(run) == 0
    enter_by_hand(run, add(run, 1050), "VALIDATING")
    assert retire_superseded(run) == 1
    assert len(active_steps(run)) == 9
    assert run.checkpoints.get(step=1050).submission.status == "VALIDATING"


def test_a_locked_field_stays_as_it_is(run) -> None:
    run.keep(enter="last")
    for step in (900, 1000):
        enter_by_hand(run, add(run, step))
    Ladder.objects.update(stage=Stage.FINAL)
    assert retire_superseded(run) == retire_all_superseded() == 0
    assert active_steps(run) == [900, 1000]


# The curve.


def test_the_curve_has_all_that_were_entered(run, django_assert_num_queries) -> None:
    add(run, 50)
    enter_by_hand(run, add(run, 200), "PENDING")
    active = enter_by_hand(run, add(run, 100))
    with django_assert_num_queries(1):
        first, second = standing(run)
        assert first.submission.team.is_system
    assert (first.checkpoint.step, first.submission, first.rating.elo) == (100, active, 1000.0)
    assert (second.checkpoint.step, second.rating) == (200, None)


# Where it comes from, on its page.


def test_the_page_and_the_api_tell_the_lineage(run, client) -> None:
    session = run.sessions.create(number=3, token="t")
    parent = enter_by_hand(run, add(run, 100))
    submission = enter_by_hand(run, add(run, 200, session=session, arena=1234.0))
    page = client.get(submission.get_absolute_url()).text
    for told in (
        f'href="/training/{run.pk}/"', f'href="/training/{run.pk}/#config"', "session 3", "1234",
        f'href="{parent.get_absolute_url()}"', "5" * 64, run.checkpoints.get(step=200).sha256,
    ):  # fmt: skip
        assert told in page
    told = client.get(f"/api/v1/submissions/{submission.pk}").json()["training"]
    assert told == {"run": run.pk, "step": 200, "session": 3}
    first = client.get(f"/api/v1/submissions/{parent.pk}").json()["training"]
    assert first == {"run": run.pk, "step": 100, "session": None}
    assert "by hand" in client.get(parent.get_absolute_url()).text


def test_a_setting_that_is_the_presets_own_is_no_change(run, client) -> None:
    """The form sends the total of steps with every run."""
    submission = enter_by_hand(run, add(run, 100))
    for total, is_told in ((300_000, False), (400_000, True)):
        run.keep(preset="tictactoe", config={"total_steps": total})
        page = client.get(submission.get_absolute_url()).text
        assert (">tictactoe, changed</a>" in page) == is_told
        assert (">tictactoe</a>" in page) != is_told

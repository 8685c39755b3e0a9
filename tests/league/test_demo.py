"""What a new league starts with, and that a second start changes nothing of it."""

import stat
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command

import evaluation
from league import demo, house
from league.models import AuditEntry, Competition, Entrant, Submission
from tests.factories import make_competition

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def data_dir(settings, tmp_path):
    settings.DATA_DIR = tmp_path
    return tmp_path


def content() -> list[list[tuple]]:
    models = (Competition, Submission, Entrant, User, AuditEntry)
    return [list(model.objects.order_by("pk").values_list()) for model in models]


@pytest.mark.parametrize(
    ("slug", "seconds"), [("connectx", 2), ("tictactoe", 2), ("foraging", 0.25)]
)
def test_demo_competition_is_open_with_rules_and_clocks(slug, seconds):
    demo.seed()
    competition = Competition.objects.get(slug=slug)
    competition.full_clean()
    assert competition.phase == "open"
    assert competition.summary
    assert competition.rules
    assert competition.full_configuration["actTimeout"] == seconds
    assert competition.bank_s == 60


@pytest.mark.parametrize("slug", ["connectx", "tictactoe"])
def test_house_bots_stand_on_the_ladder_and_the_tactical_one_anchors_it(slug):
    demo.seed()
    competition = Competition.objects.get(slug=slug)
    entrants = Entrant.objects.playing().filter(competition=competition)
    bots = {entrant.submission.builtin for entrant in entrants}
    assert bots >= {"random", "tactical", "negamax"}
    assert bots == set(house.BOTS) & set(evaluation.make(slug).agents)
    assert {entrant.submission.status for entrant in entrants} == {Submission.Status.ACTIVE}
    assert {entrant.submission.team.is_house for entrant in entrants} == {True}
    assert competition.anchor.builtin == "tactical"


def test_the_greedy_colony_anchors_the_ladder_of_the_foraging_ones():
    demo.seed()
    competition = Competition.objects.get(slug="foraging")
    entrants = Entrant.objects.playing().filter(competition=competition)
    bots = {entrant.submission.builtin for entrant in entrants}
    assert bots == set(evaluation.make("foraging").agents)
    assert competition.anchor.builtin == "greedy"


def test_colonies_that_use_all_their_time_are_not_cut_off_by_the_engine():
    demo.seed()
    clocks = Competition.objects.get(slug="foraging").full_configuration
    longest = (clocks["episodeSteps"] - 1) * clocks["actTimeout"] + clocks["remainingOverageTime"]
    assert 2 * longest <= clocks["runTimeout"]


def test_seeding_twice_changes_nothing():
    call_command("seed")
    before = content()
    call_command("seed")
    assert content() == before


def test_what_an_organiser_changed_stays_changed():
    demo.seed()
    Competition.objects.filter(slug="connectx").update(title="Four", daily_limit=1)
    bot = Submission.objects.get(competition__slug="connectx", builtin="random")
    Submission.objects.filter(pk=bot.pk).update(status=Submission.Status.RETIRED)
    before = content()
    demo.seed()
    assert content() == before


def test_deleted_demo_competition_does_not_come_back():
    demo.seed()
    competition = Competition.objects.get(slug="tictactoe")
    competition.submissions.all().delete()
    competition.delete()
    demo.seed()
    assert not Competition.objects.filter(slug="tictactoe").exists()


def test_house_bots_of_a_new_competition_are_entered_once():
    competition = make_competition("mine", environment="tictactoe")
    entered = house.enlist(competition)
    assert entered >= 3
    assert house.enlist(competition) == 0
    assert competition.entrants.count() == entered


def test_administrator_logs_in_with_the_password_of_the_file(client, data_dir):
    demo.seed()
    file = data_dir / "admin-password"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert client.login(username="admin", password=file.read_text().strip())
    assert User.objects.get(username="admin").is_superuser


def test_password_file_is_written_for_a_new_administrator_only(data_dir: Path):
    demo.seed()
    (data_dir / "admin-password").unlink()
    demo.seed()
    assert not (data_dir / "admin-password").exists()


def test_league_with_another_superuser_gets_no_second_one():
    User.objects.create_superuser("carol", password="correct horse battery")
    demo.seed()
    assert not User.objects.filter(username="admin").exists()


def test_user_named_admin_is_never_made_a_superuser():
    User.objects.create_user("admin", password="correct horse battery")
    demo.seed()
    assert not User.objects.get(username="admin").is_superuser

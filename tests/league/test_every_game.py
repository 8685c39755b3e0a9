"""Every game folder of the engine can be made a competition, whichever games there are."""

from pathlib import Path

import pytest
from django.core.management import call_command
from django.urls import reverse

import evaluation
from league import house
from league.models import Competition, Entrant, Match
from league.views import games
from tests.factories import make_competition, make_entrant, make_staff, make_user, send_match

pytestmark = pytest.mark.django_db
ENVS = Path(evaluation.__file__).parent / "envs"
GAMES = sorted(path.parent.name for path in ENVS.glob("*/*.json"))


@pytest.fixture(params=GAMES)
def competition(request) -> Competition:
    made = make_competition("league", environment=request.param)
    house.enlist(made)
    return made


def test_its_pages_are_shown(client, competition):
    client.force_login(make_user())
    for name in ("competition-detail", "leaderboard", "match-list", "submit"):
        assert client.get(reverse(name, args=[competition.slug])).status_code == 200, name


def test_a_house_bot_anchors_its_ladder(competition):
    assert competition.anchor.builtin in {*house.BOTS, *house.ANCHORS}
    assert Entrant.objects.playing().filter(competition=competition).exists()


def test_a_rated_match_of_it_is_scheduled(competition):
    rivals = [make_entrant(competition, make_user(name)).submission for name in ("alice", "bob")]
    match = send_match(competition, Match.Purpose.RATED, rivals)
    assert match.seats.count() == 2


def test_its_page_names_a_command_that_runs(competition):
    command = games.try_command(competition)
    assert f"--environment {competition.environment} --agents main.py random" in command


def test_an_admin_can_choose_it(client, competition):
    client.force_login(make_staff())
    page = client.get(reverse("admin:league_competition_add")).text
    assert f'<option value="{competition.environment}">' in page


def test_the_demo_leaves_out_games_of_mere_guessing(settings, tmp_path):
    settings.DATA_DIR = tmp_path
    call_command("seed")
    assert not Competition.objects.filter(environment__in=["rps", "identity"]).exists()

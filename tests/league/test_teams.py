"""Teams: whose they are, and that no name makes one somebody else's."""

import pytest
from django.contrib.auth import get_user_model

from league import house
from league.models import Submission, Team
from league.teams import house_team, team_of
from tests.factories import make_competition, make_user

pytestmark = pytest.mark.django_db


def test_who_is_called_house_does_not_get_the_house_bots() -> None:
    stranger = team_of(make_user("House"))
    house.enlist(make_competition())
    stranger.refresh_from_db()
    assert not stranger.is_house
    assert not Submission.objects.filter(team=stranger).exists()
    assert house_team().is_house


def test_a_renamed_house_team_stays_the_house() -> None:
    first = house_team()
    Team.objects.filter(pk=first.pk).update(name="Our bots")
    assert house_team() == first


def test_a_name_that_is_taken_gets_a_number_and_fits() -> None:
    name = "x" * 150
    Team.objects.create(name=name)
    team = team_of(make_user(name))
    assert team.name.endswith(f"({team.memberships.get().user_id})")
    assert len(team.name) <= 150


@pytest.mark.parametrize("name", ["House", "house", "HOUSE"])
def test_nobody_signs_up_as_the_house(client, name) -> None:
    form = {"username": name, "password1": "correct horse 9", "password2": "correct horse 9"}
    assert client.post("/accounts/signup/", form).status_code == 200
    assert not get_user_model().objects.exists()

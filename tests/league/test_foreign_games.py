"""A game from elsewhere as a competition: no folder of ours, rules that may raise, other seats."""

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse

import evaluation
from league import house
from league.models import Entrant
from league.views import games
from tests.factories import make_competition, make_user

pytestmark = pytest.mark.django_db

OBSERVATION = {
    "food": {"description": "Where food lies.", "type": "array", "default": []},
    "plan": {"description": "Not for agents.", "type": "array", "hidden": True, "default": []},
}
ACTION = {"description": "A way to go.", "type": "string", "enum": ["N", "S"], "default": "N"}


def interpreter(state, env):
    return state


def broken(state, env):
    raise IndexError("list index out of range")


def first(observation):
    return "N"


class Playing:
    def __call__(self, observation):
        return "S"


@pytest.fixture
def register():
    """Adds an environment for one test, as a package that is installed would."""

    def add(**change):
        module = {
            "specification": {
                "name": "elsewhere",
                "title": "Else <where>",
                "description": "Walk about.",
                "agents": change.pop("seats", [1, 2, 4]),
                "configuration": {"episodeSteps": 5, "actTimeout": 0.5},
                "observation": OBSERVATION,
                "action": ACTION,
            },
            "interpreter": interpreter,
            "renderer": lambda state, env: "",
            "html_renderer": lambda: "function renderer(context) {}",
            "agents": {"first": first, "object": Playing(), "second": lambda: "S"},
        }
        evaluation.register("elsewhere", module | change)

    forget("elsewhere")  # as another test may have left it
    yield add
    forget("elsewhere")


def forget(name: str) -> None:
    evaluation.environments._modules.pop(name, None)
    evaluation.environments._games.pop(name, None)
    games.game.cache_clear()


def test_its_page_tells_its_specification_and_a_first_agent(client, register):
    register()
    competition = make_competition(environment="elsewhere")
    page = client.get(reverse("competition-detail", args=[competition.slug])).text
    assert "Walk about." in page
    assert "Where food lies." in page
    assert "Not for agents." not in page
    assert "&#x27;N&#x27;" in page
    assert "It plays the same each step." in page
    namespace: dict = {}
    exec(games.game("elsewhere").starter, namespace)
    assert namespace["agent"]({}, {}) == "N"


def test_its_plain_functions_are_its_house_bots(register):
    register()
    competition = make_competition(environment="elsewhere")
    assert house.enlist(competition) == 2
    bots = Entrant.objects.filter(competition=competition).values_list("submission__builtin")
    assert {name for (name,) in bots} == {"first", "second"}
    assert competition.anchor.builtin == "first"


def test_no_more_than_four_of_its_agents_are_house_bots(register):
    register(agents={f"bot{number}": first for number in range(9)} | {"random": first})
    competition = make_competition(environment="elsewhere")
    assert house.enlist(competition) == 4
    assert competition.anchor.builtin == "random"


def test_a_game_without_agents_of_its_own_has_an_empty_ladder(client, register):
    register(agents={})
    competition = make_competition(environment="elsewhere")
    assert house.enlist(competition) == 0
    assert "--agents main.py main.py" in games.try_command(competition)
    assert client.get(reverse("competition-detail", args=[competition.slug])).status_code == 200


def test_a_match_has_two_seats_whatever_the_game_lists_first(register):
    register(agents={})
    assert make_competition(environment="elsewhere").seats == 2


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"interpreter": broken}, "configuration", "IndexError: list index"),
        ({"seats": [4, 6]}, "environment", "A match has 2 seats; this game is played with 4, 6."),
    ],
)
def test_a_game_that_no_match_can_be_played_of_is_refused(register, change, field, words):
    register(**change)
    with pytest.raises(ValidationError) as refusal:
        make_competition(environment="elsewhere")
    assert words in refusal.value.message_dict[field][0]


def test_pages_of_a_game_that_is_no_longer_installed_say_so(client, register):
    register()
    competition = make_competition(environment="elsewhere", configuration={"actTimeout": 2})
    forget("elsewhere")
    client.force_login(make_user())
    for name in ("competition-detail", "leaderboard", "match-list", "submit"):
        assert client.get(reverse(name, args=[competition.slug])).status_code == 200, name
    page = client.get(reverse("competition-detail", args=[competition.slug])).text
    assert "There is no environment named &#x27;elsewhere&#x27;." in page
    assert competition.full_configuration["actTimeout"] == 2

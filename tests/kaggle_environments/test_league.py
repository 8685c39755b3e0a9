"""A game of kaggle-environments as a competition: boxed agents, house bots, pages, replays."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.urls import reverse

import evaluation
from evaluation import replay
from evaluation.match import AgentSpec, EpisodeSpec, play_episode
from league import house, submissions
from league.models import Episode, Rating
from league.storage import read_replay_json
from league.submissions import Upload
from league.views import games
from tests.factories import make_competition, make_staff, make_user
from tests.kaggle_environments.parity import difference, kaggle, plain
from tests.league.test_admin import competition_form
from tests.stack import Stack, database_url, wait_for

pytestmark = pytest.mark.timeout(240)

WALKER = """
def agent(observation, configuration):
    return ["NORTH", "EAST", "SOUTH", "WEST"][observation.step % 4]
"""
HARVESTER = """
import numpy as np

def agent(observation, configuration):
    halite, shipyards, ships = observation.players[observation.player]
    yards = {uid: "SPAWN" for uid in shipyards} if halite > 500 and len(ships) < 2 else {}
    return yards | {uid: "CONVERT" for uid in ships if not shipyards}
"""
AGENTS = {"hungry_geese": WALKER, "halite": HARVESTER}
SHORT = {"halite": {"episodeSteps": 30}, "hungry_geese": {"episodeSteps": 30}}


@pytest.fixture(params=AGENTS)
def game(request) -> str:
    return request.param


def saved(folder: Path, source: str) -> Path:
    """A folder that boxes may read, with this main.py."""
    (folder / "agent").mkdir()
    (folder / "agent" / "main.py").write_text(source)
    return folder / "agent"


@pytest.fixture
def main(game, tmp_path) -> Path:
    return saved(tmp_path, AGENTS[game])


@pytest.mark.parametrize("seats", [2, 4])
def test_boxed_agents_play_it(game, main, seats):
    bot = AgentSpec("random", "builtin")
    boxed = [AgentSpec(str(main), name=f"Team {n}") for n in range(seats - 1)]
    result = play_episode(EpisodeSpec(game, SHORT[game], [*boxed, bot], seed=4))
    assert result.verdicts == [None] * seats
    assert result.statuses == ["DONE"] * seats
    assert all(reward is not None for reward in result.rewards)
    loaded = kaggle.make(game, steps=result.replay["steps"])
    assert loaded.done
    kept = replay.from_bytes(replay.to_bytes(result.replay))
    assert difference(plain(kept), plain(result.replay)) is None


def test_a_boxed_agent_that_fails_has_its_verdict(game, tmp_path):
    main = saved(tmp_path, "def agent(observation):\n    return 1 / 0\n")
    agents = [AgentSpec(str(main)), AgentSpec("random", "builtin")]
    result = play_episode(EpisodeSpec(game, SHORT[game], agents, seed=4))
    assert result.statuses[0] == "ERROR"
    assert result.verdicts[0]["code"] == "exception"
    assert result.verdicts[1] is None
    assert result.scores == [0.0, 1.0]


def test_its_replay_holds_the_ending_for_people(game, main):
    agents = [AgentSpec(str(main)), AgentSpec("random", "builtin")]
    ended = play_episode(EpisodeSpec(game, SHORT[game], agents, seed=4)).replay
    assert ended["info"]["result"]["cause"]
    assert evaluation.make(game, steps=ended["steps"]).render(mode="html").startswith("<!doctype")


ANCHORS = {"hungry_geese": "greedy"}  # neither strong nor random


@pytest.mark.django_db
class TestAnOrganiser:
    def test_gives_it_to_a_competition(self, client, game):
        client.force_login(make_staff())
        form = competition_form(environment=game, configuration=json.dumps(SHORT[game]))
        page = client.post(reverse("admin:league_competition_add"), form)
        assert page.status_code == 302, page.text
        detail = client.get(reverse("competition-detail", args=["small"])).text
        assert games.game(game).description in detail.replace("&#x27;", "'")
        assert f"--environment {game}" in detail

    def test_finds_its_agents_on_the_ladder(self, game):
        competition = make_competition(environment=game, configuration=SHORT[game])
        house.enlist(competition)
        assert competition.anchor.builtin == ANCHORS.get(game, "random")

    @pytest.mark.parametrize(
        ("name", "words"),
        [("football", "does not load here: No module named"), ("open_spiel_hearts", "with 4")],
    )
    def test_is_told_why_a_game_cannot_be_given(self, name, words):
        with pytest.raises(ValidationError) as refusal:
            make_competition(environment=name)
        assert words in refusal.value.message_dict["environment"][0]


@pytest.fixture
def workers(redis_server: Stack) -> Iterator[Stack]:
    """An evaluation and a league worker on the test's own database."""
    redis_server.database_url = database_url(connection.settings_dict)
    redis_server.start("evaluation", "league")
    redis_server.wait_for_worker()
    yield redis_server
    redis_server.kill("evaluation")
    redis_server.kill("league")


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_an_upload_becomes_a_rated_entrant(workers, client, game):
    competition = make_competition(environment=game, configuration=SHORT[game])
    house.enlist(competition)
    upload = Upload.from_source(AGENTS[game])
    submission = submissions.submit(competition, make_user(), upload).submission
    found = Rating.objects.filter(entrant__submission=submission, matches__gte=1)
    wait_for(found.first, 90, f"a rating of {submission}")
    episode = Episode.objects.filter(match__is_rated=True).first()
    assert json.loads(read_replay_json(episode))["name"] == game
    assert client.get(episode.get_absolute_url()).status_code == 200

"""Drawings from elsewhere are served without an origin and without network, and ours as modules."""

import gzip

import pytest

from evaluation import environments, register
from league import drawings
from tests.factories import make_competition, make_rated_match, make_submission, make_user

pytestmark = pytest.mark.django_db
URL = "/environments/elsewhere/drawing/"
GZIP = {"Accept-Encoding": "gzip"}


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch):
    """ConnectX under another name, drawn by somebody else; forgotten afterwards."""
    for kept in ("_modules", "_games"):
        monkeypatch.setattr(environments, kept, dict(getattr(environments, kept)))
    module = {**environments["connectx"], "html_renderer": lambda: "function f() {}"}
    module["specification"] = {**module["specification"], "name": "elsewhere"}
    register("elsewhere", module)
    yield module
    drawings.framed.cache_clear()


def make_episode(environment):
    competition = make_competition(environment, environment=environment)
    players = [make_submission(competition, make_user(name)) for name in ("alice", "bob")]
    return make_rated_match(competition, *players).episodes.first()


def test_a_drawing_from_elsewhere_has_no_origin_and_no_network(client):
    make_competition("elsewhere", environment="elsewhere")
    response = client.get(URL)
    policy = dict(
        rule.partition(" ")[::2] for rule in response["Content-Security-Policy"].split("; ")
    )
    assert policy["sandbox"] == "allow-scripts"
    assert policy["default-src"] == "'none'"
    assert "'unsafe-inline'" not in policy["script-src"]
    assert not {"http:", "https:", "*", "'self'"} & set(" ".join(policy.values()).split())
    assert not response.has_header("X-Frame-Options")
    assert not response.has_header("Set-Cookie")
    assert b"function f() {}" in response.content


def test_a_drawing_is_sent_packed(client):
    make_competition("elsewhere", environment="elsewhere")
    response = client.get(URL, headers=GZIP)
    assert response["Content-Encoding"] == "gzip"
    assert gzip.decompress(response.content) == client.get(URL).content


@pytest.mark.parametrize("name", ["elsewhere", "connectx", "nothing"])
def test_only_what_a_competition_plays_and_is_not_ours_is_served(client, name):
    make_competition("connectx")
    assert client.get(f"/environments/{name}/drawing/").status_code == 404


@pytest.mark.parametrize("path", ["", "embed/"])
def test_only_the_frame_gets_another_policy(client, path):
    page = client.get(make_episode("elsewhere").get_absolute_url() + path)
    assert "script-src 'self'" in page["Content-Security-Policy"].split("; ")
    assert f'data-frame="{URL}"' in page.text
    assert "data-renderer" not in page.text


@pytest.mark.parametrize("path", ["", "embed/"])
def test_our_games_are_drawn_by_their_modules(client, path):
    page = client.get(make_episode("connectx").get_absolute_url() + path).text
    assert 'data-renderer="/static/games/connectx/connectx.js"' in page
    assert "data-frame" not in page


@pytest.mark.parametrize(
    "drawing", [None, "", "<!doctype html><script src='https://a.test/b.js'></script>"]
)
def test_what_cannot_be_framed_shows_as_text(client, elsewhere, drawing):
    register("elsewhere", {**elsewhere, "html_renderer": lambda: drawing})
    page = client.get(make_episode("elsewhere").get_absolute_url()).text
    assert "data-player" in page
    assert "data-frame" not in page
    assert client.get(URL).status_code == 404

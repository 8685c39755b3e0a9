"""The leaderboard: order, filters, my rows, the dashed line, and how often it reads."""

import pytest

from league.views import leaderboards
from tests.factories import make_competition, make_entrant, make_house_bots, make_user

pytestmark = pytest.mark.django_db
URL = "/competitions/connectx/leaderboard/"


@pytest.fixture
def connectx():
    return make_competition()


def rate(competition, name, elo, **rating):
    defaults = {"elo": float(elo), "se": 40.0, "is_provisional": False, "matches": 20}
    return make_entrant(competition, make_user(name), **(defaults | rating))


def test_the_strongest_stands_first_and_the_provisional_last(client, connectx):
    rate(connectx, "alice", 1100)
    rate(connectx, "bob", 1200)
    rate(connectx, "dora", 1900, is_provisional=True, se=200.0)
    page = client.get(URL).text
    assert page.index("bob") < page.index("alice") < page.index("provisional-line")
    assert page.index("provisional-line") < page.index("dora")


def test_a_row_shows_its_ranks_its_interval_and_its_record(client, connectx):
    rate(
        connectx, "alice", 1234, rank=4, rank_low=3, rank_high=7, wins=12, draws=3, losses=5,
        crashes=2, spark=[1200, 1220, 1234],
    )  # fmt: skip
    page = client.get(URL).text
    for piece in ("3–7", "<b>1234</b>", "±78", "12 W", "3 D", "5 L", "5.0 %", "from 1200 to 1234"):
        assert piece in page


def test_a_house_bot_is_labelled(client, connectx):
    make_house_bots(connectx)
    assert client.get(URL).text.count("house bot") == 3


def test_a_page_has_fifty_rows_and_the_address_keeps_the_state(client, connectx):
    for number in range(55):
        rate(connectx, f"team-{number:02d}", 1000 + number)
    first = client.get(URL + "?q=team").text
    assert first.count("data-low") == 50
    assert "?q=team&amp;page=2" in first
    assert client.get(URL + "?q=team&page=2").text.count("data-low") == 5


def test_the_text_filter_finds_teams_house_bots_and_numbers(client, connectx):
    bots = make_house_bots(connectx)
    alice = rate(connectx, "alice", 1100)
    assert "negamax" not in client.get(URL + "?q=ali").text
    assert "negamax" in client.get(URL + "?q=nega").text
    page = client.get(URL + f"?q=%23{alice.submission_id}").text
    assert "alice" in page
    assert bots[0].submission.builtin not in page
    assert "No entrant matches" in client.get(URL + "?q=zzz").text


def test_per_team_keeps_only_the_best_of_each_but_every_house_bot(client, connectx):
    make_house_bots(connectx)
    best, other = rate(connectx, "alice", 1300), rate(connectx, "alice", 1200)
    page = client.get(URL + "?per=team").text
    assert f"#{best.submission_id}<" in page
    assert f"#{other.submission_id}<" not in page
    assert page.count("house bot") == 3


def test_my_row_is_marked_and_pinned_when_it_is_on_another_page(client, connectx, monkeypatch):
    monkeypatch.setattr(leaderboards, "PAGE", 2)
    for number in range(4):
        rate(connectx, f"team-{number}", 1200 + number)
    mine = rate(connectx, "alice", 900)
    client.force_login(mine.submission.author)
    page = client.get(URL).text
    assert 'class="pinned"' in page
    assert page.count(" mine") == 1
    assert 'class="pinned"' not in client.get(URL + "?page=3").text


def test_nobody_on_the_ladder_says_how_to_enter(client, connectx):
    assert "Enter an agent" in client.get(URL).text


def test_htmx_gets_the_table_only(client, connectx):
    rate(connectx, "alice", 1100)
    response = client.get(URL, headers={"HX-Request": "true"})
    assert response.text.strip().startswith('<div id="leaderboard"')
    assert "HX-Request" in response["Vary"]


def test_going_back_in_history_gets_the_whole_page(client, connectx):
    headers = {"HX-Request": "true", "HX-History-Restore-Request": "true"}
    assert "<html" in client.get(URL, headers=headers).text


@pytest.mark.parametrize("path", [URL, URL + "?per=team", URL + "?q=team"])
def test_fifty_rows_cost_as_many_queries_as_two(
    client, connectx, path, django_assert_max_num_queries
):
    client.force_login(make_user("alice"))
    for number in range(50):
        rate(connectx, f"team-{number}", 1000 + number)
    with django_assert_max_num_queries(8):
        client.get(path)

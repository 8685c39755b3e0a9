"""The leaderboard: order, filters, my rows, the dashed line, and how often it reads."""

import csv
from datetime import timedelta

import pytest
from django.utils import timezone

from league.models import Ladder, Rating, RatingPoint, Team
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


def test_a_row_says_which_ranks_it_is_level_with(client, connectx):
    """1.96 standard errors of a difference are 55 Elo here, and 277 for the vague one."""
    for rank, elo in enumerate((1300, 1200, 1160, 1120), start=1):
        rate(connectx, f"team-{rank}", elo, rank=rank, se=20.0)
    rate(connectx, "vague", 1000, rank=5, se=140.0)
    page = client.get(URL).text
    rows = [row.partition("</tr>")[0] for row in page.split("<tr")[2:]]
    assert [row.partition('data-level="')[2].partition('"')[0] for row in rows] == [
        "1-1", "2-3,5-5", "2-5", "3-5", "2-5",
    ]  # fmt: skip
    assert ">nobody<" in rows[0]
    assert 'title="Cannot be told apart from 2 others">2–3, 5<' in rows[1]


def point(entrant, elo, hours_ago, **fields):
    made = RatingPoint.objects.create(entrant=entrant, elo=elo, se=40, matches=5, **fields)
    moment = timezone.now() - timedelta(hours=hours_ago)
    RatingPoint.objects.filter(pk=made.pk).update(created=moment)


def test_the_change_is_that_of_24_hours(client, connectx):
    alice, bob = rate(connectx, "alice", 1234), rate(connectx, "bob", 1100)
    for elo, hours_ago in ((900, 60), (1200, 25), (1000, 3)):
        point(alice, elo, hours_ago)
    point(bob, 1150, 2)
    page = client.get(URL).text
    assert '<span class="won">+34</span>' in page
    assert '<span class="lost">−50</span>' in page


def final(competition, **fields):
    """A ladder that was locked two hours ago."""
    locked = timezone.now() - timedelta(hours=2)
    defaults = {"stage": "final", "locked_at": locked, "field_hash": "abcdef" * 10}
    ladder, _ = Ladder.objects.update_or_create(competition=competition, defaults=defaults | fields)
    return ladder


def test_in_the_final_only_its_own_games_are_compared(client, connectx):
    alice = rate(connectx, "alice", 1234, rank=1, qualifying_rank=7)
    point(alice, 900, 30)
    point(alice, 1200, 1)
    final(connectx)
    page = client.get(URL).text
    assert "only its own games count." in page
    assert "Field of 1 entrant," in page
    assert ">abcdefabcdef…</code>" in page
    assert 'data-label="qualified as">7</td>' in page
    assert "+34" in page


def test_a_closed_ladder_is_called_final(client, connectx):
    rate(connectx, "alice", 1234, rank=1)
    connectx.deadline = connectx.closes_at = timezone.now()
    connectx.save()
    assert "Final ranking" in client.get(URL).text
    final(connectx)
    assert "from the games of the final evaluation alone" in client.get(URL + "?per=").text


@pytest.mark.parametrize(
    ("elo", "sentence"),
    [
        (30.0, "Moving first is worth 30 Elo (20 to 40)"),
        (-30.0, "Moving second is worth 30 Elo (20 to 40)"),
        (2.0, "No seat has shown an advantage: moving first is worth −8 to +12 Elo"),
    ],
)
def test_the_advantage_of_a_seat_is_said_in_words(client, connectx, elo, sentence):
    rate(connectx, "alice", 1100)
    Ladder.objects.update(fitted_at=timezone.now(), seat_advantage=elo, seat_advantage_se=5.1)
    assert sentence in client.get(URL).text


def test_a_stranger_never_sees_a_page_that_was_drawn_for_somebody(client, connectx):
    rate(connectx, "bob", 1100)
    assert "Log in" in client.get(URL).text
    client.force_login(make_user("alice"))
    assert "Log out" in client.get(URL).text
    client.logout()
    assert "Log out" not in client.get(URL).text


def test_a_page_drawn_for_strangers_is_new_after_each_fit(client, connectx):
    alice = rate(connectx, "alice", 1100)
    assert "<b>1100</b>" in client.get(URL).text
    Rating.objects.filter(entrant=alice).update(elo=1150)
    assert "<b>1100</b>" in client.get(URL).text
    Ladder.objects.update(fitted_position=2)
    assert "<b>1150</b>" in client.get(URL).text


def test_the_csv_holds_the_whole_ladder(client, connectx):
    alice = rate(
        connectx, "alice", 1234.567, rank=1, rank_low=1, rank_high=2, se=10.0, wins=12, draws=3,
        losses=5, crashes=2, qualifying_rank=4, qualifying_elo=1222.222,
    )  # fmt: skip
    bob = rate(connectx, "bob", 900, se=100.0, is_provisional=True, matches=0)
    point(alice, 1200, 30)
    response = client.get("/competitions/connectx/leaderboard.csv")
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert 'filename="connectx-leaderboard.csv"' in response["Content-Disposition"]
    sent = [e.submission.created.isoformat(timespec="seconds") for e in (alice, bob)]
    assert [",".join(row) for row in csv.reader(response.text.splitlines())] == [
        "rank,rank_low,rank_high,team,submission,label,is_house_bot,rating,rating_low,rating_high,"
        "standard_error,provisional,change_24h,matches,wins,draws,losses,crash_share,"
        "qualifying_rank,qualifying_rating,submitted",
        f"1,1,2,alice,{alice.submission_id},#{alice.submission_id},False,1234.57,1214.97,1254.17,"
        f"10.0,False,34.57,20,12,3,5,0.05,4,1222.22,{sent[0]}",
        f",,,bob,{bob.submission_id},#{bob.submission_id},False,900.0,704.0,1096.0,"
        f"100.0,True,,0,0,0,0,0.0,,,{sent[1]}",
    ]


def test_a_team_that_is_named_like_a_formula_is_none_in_the_csv(client, connectx):
    rate(connectx, "alice", 1100)
    Team.objects.filter(name="alice").update(name="=HYPERLINK(0)")
    text = client.get("/competitions/connectx/leaderboard.csv").text
    assert ',"\'=HYPERLINK(0)",' in text


def test_the_csv_costs_a_constant_number_of_queries(
    client, connectx, django_assert_max_num_queries
):
    for number in range(20):
        rate(connectx, f"team-{number}", 1000 + number)
    with django_assert_max_num_queries(3):
        client.get("/competitions/connectx/leaderboard.csv")


def test_a_house_bot_is_labelled(client, connectx):
    make_house_bots(connectx)
    assert client.get(URL).text.count("house bot") == 3


def test_a_page_has_fifty_rows_and_the_address_keeps_the_state(client, connectx):
    for number in range(55):
        rate(connectx, f"team-{number:02d}", 1000 + number)
    first = client.get(URL + "?q=team").text
    assert first.count("data-level") == 50
    assert "?q=team&amp;page=2" in first
    assert client.get(URL + "?q=team&page=2").text.count("data-level") == 5


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
    with django_assert_max_num_queries(9):
        client.get(path)

"""Pages that everybody sees: they show what there is, in a constant number of queries."""

import re
from datetime import timedelta
from itertools import pairwise

import pytest
from django.urls import reverse
from django.utils import timezone

from evaluation.verdict import ADVICE
from league.models import Match, Rating, Submission
from tests.factories import (
    make_competition,
    make_entrant,
    make_house_bots,
    make_rated_match,
    make_staff,
    make_user,
)

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def connectx():
    competition = make_competition(title="ConnectX")
    make_house_bots(competition)
    return competition


def add_players(competition, names):
    """Entrants with a match between each two neighbours."""
    entrants = [make_entrant(competition, make_user(name), elo=1100.0, se=60.0) for name in names]
    for first, second in pairwise(entrants):
        make_rated_match(competition, first.submission, second.submission)
    return entrants


def count_queries(client, url, django_assert_max_num_queries, most, **headers):
    with django_assert_max_num_queries(most) as captured:
        assert client.get(url, headers=headers).status_code == 200
    return len(captured)


PUBLIC = [
    "home", "competition-list", "training-list", "status", "help",
    "account_login", "account_signup", "account_reset_password",
]  # fmt: skip


@pytest.mark.parametrize("name", PUBLIC)
def test_anybody_may_look(client, connectx, name):
    response = client.get(reverse(name))
    assert response.status_code == 200
    assert "<h1" in response.text


def test_home_names_the_leaders_and_the_newest_matches(client, connectx):
    add_players(connectx, ["alice", "bob"])
    page = client.get("/").text
    assert "ConnectX" in page
    assert "alice" in page
    assert reverse("match-detail", args=[Match.objects.get().pk]) in page
    assert "data-player" in page


def test_home_draws_a_line_above_the_provisional(client, connectx):
    fields = {"is_provisional": False, "se": 40.0}
    Rating.objects.update(**fields)
    assert "provisional-line" not in client.get("/").text
    make_entrant(connectx, make_user("dora"), elo=1900.0, is_provisional=True)
    page = client.get("/").text
    assert page.count("provisional-line") == 1
    assert page.index("provisional-line") < page.index("dora")


def test_home_without_competitions_says_how_to_make_one(client):
    assert "An organiser creates one" in client.get("/").text


def test_home_leaves_out_what_is_not_open(client):
    now = timezone.now()
    make_competition("later", title="Later Cup", opens_at=now + timedelta(days=1))
    make_competition(
        "over",
        title="Past Cup",
        opens_at=now - timedelta(days=9),
        closes_at=now - timedelta(days=1),
    )
    assert "Cup" not in client.get("/").text
    assert client.get("/competitions/").text.count("Cup") >= 2


def test_home_reads_as_often_for_many_competitions_as_for_one(
    client, connectx, django_assert_max_num_queries
):
    add_players(connectx, ["alice", "bob"])
    few = count_queries(client, "/", django_assert_max_num_queries, 20)
    for number in range(4):
        add_players(make_competition(f"cup-{number}"), ["alice", "bob", f"dora-{number}"])
    assert count_queries(client, "/", django_assert_max_num_queries, 20) <= few


def test_home_answers_htmx_with_the_part_that_changes(client, connectx):
    part = client.get("/", headers=HTMX | {"HX-Target": "newest-matches"}).text
    assert part.strip().startswith('<div id="newest-matches"')
    assert "<html" not in part


def test_overview_shows_rules_limits_starter_and_clocks(client, connectx):
    connectx.rules = "Be kind.\n\nShare code only in public."
    connectx.save()
    page = client.get("/competitions/connectx/").text
    for piece in ("Be kind.", "def agent", "move limit", "inarow", "--environment connectx"):
        assert piece in page
    assert 'name="mine"' not in page


def test_overview_tells_a_member_what_is_left(client, connectx):
    client.force_login(make_user("alice"))
    assert "5 of 5" in client.get("/competitions/connectx/").text


def test_overview_answers_htmx_with_its_standing(client, connectx):
    part = client.get("/competitions/connectx/", headers=HTMX).text
    assert part.strip().startswith('<div class="stack" id="standing-connectx"')


def test_overview_reads_a_constant_number_of_rows(client, connectx, django_assert_max_num_queries):
    client.force_login(make_user("alice"))
    add_players(connectx, ["bob", "alice"])
    few = count_queries(client, "/competitions/connectx/", django_assert_max_num_queries, 25)
    add_players(connectx, [f"dora-{n}" for n in range(12)])
    assert (
        count_queries(client, "/competitions/connectx/", django_assert_max_num_queries, 25) <= few
    )


@pytest.mark.parametrize("path", ["", "leaderboard/", "matches/"])
def test_a_competition_that_does_not_exist_is_404(client, path):
    response = client.get(f"/competitions/nothing/{path}")
    assert response.status_code == 404
    assert "There is no such competition." in response.text


def test_help_explains_every_verdict_and_state(client):
    page = client.get("/help/").text
    for code in ADVICE:
        assert f'id="{code}"' in page
    for state in Submission.Status:
        assert f"state-{state.value.lower()}" in page


SCRIPT = re.compile(r"<script(?![^>]*\bsrc=)", re.IGNORECASE)
HANDLER = re.compile(r"<[^>]*\s(on[a-z]+|style)=", re.IGNORECASE)


@pytest.mark.parametrize(
    "path",
    ["/", "/competitions/connectx/", "/competitions/connectx/leaderboard/", "/status/", "/help/",
     "/competitions/connectx/matches/", "/competitions/connectx/submit/", "/accounts/login/"],
)  # fmt: skip
def test_no_page_needs_inline_script_or_style(client, connectx, path):
    add_players(connectx, ["alice", "bob"])
    client.force_login(make_staff())
    response = client.get(path)
    assert not SCRIPT.search(response.text)
    assert not HANDLER.search(response.text)
    policy = response["Content-Security-Policy"]
    assert "script-src 'self';" in f"{policy};"
    assert "unsafe" not in policy


def test_a_name_is_data_and_never_markup(client, connectx):
    evil = make_user("mallory")
    evil.membership.team.name = '"><script>alert(1)</script>'
    evil.membership.team.save()
    entrant = make_entrant(connectx, evil, elo=1500.0, se=50.0)
    make_rated_match(connectx, entrant.submission, connectx.anchor)
    match = Match.objects.get()
    episode = match.episodes.first()
    for path in (
        "/", "/competitions/connectx/leaderboard/", "/competitions/connectx/matches/",
        match.get_absolute_url(), episode.get_absolute_url(), f"{episode.get_absolute_url()}embed/",
        entrant.submission.get_absolute_url(),
    ):  # fmt: skip
        page = client.get(path).text
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert" in page

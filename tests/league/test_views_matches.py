"""Match list, match page, replay page and the frame for other sites."""

import pytest
from django.utils import timezone

from league.models import Attempt, EpisodeSeat
from tests.factories import (
    make_competition,
    make_entrant,
    make_house_bots,
    make_match,
    make_rated_match,
    make_user,
)

pytestmark = pytest.mark.django_db
URL = "/competitions/connectx/matches/"


@pytest.fixture
def connectx():
    competition = make_competition()
    make_house_bots(competition)
    return competition


@pytest.fixture
def alice(connectx):
    return make_entrant(connectx, make_user("alice")).submission


@pytest.fixture
def bob(connectx):
    return make_entrant(connectx, make_user("bob")).submission


def rows_of(page):
    return page.count('<tr class="match">')


def test_the_list_filters_by_state_purpose_and_team(client, connectx, alice, bob):
    make_rated_match(connectx, alice, bob)
    make_rated_match(connectx, bob, connectx.anchor)
    make_match(connectx, [alice, alice], purpose="self_play", candidate=alice)
    found = {q: rows_of(client.get(URL + q).text) for q in (
        "", "?state=DONE", "?state=QUEUED", "?purpose=rated", "?purpose=self_play", "?q=alice",
        f"?q=%23{bob.pk}", "?q=nobody", "?state=nonsense",
    )}  # fmt: skip
    assert list(found.values()) == [3, 2, 1, 2, 1, 2, 2, 0, 3]


@pytest.mark.parametrize("few", [0, 100])
def test_the_team_filter_finds_the_same_by_both_ways(
    client, connectx, alice, bob, monkeypatch, few
):
    monkeypatch.setattr("league.views.matches.FEW", few)
    make_rated_match(connectx, alice, bob)
    make_rated_match(connectx, bob, connectx.anchor)
    assert [rows_of(client.get(URL + f"?q={q}").text) for q in ("alice", "b", "tactical")] == [
        1, 2, 1,
    ]  # fmt: skip


def test_the_list_goes_back_by_id(client, connectx, alice, bob, monkeypatch):
    monkeypatch.setattr("league.views.matches.PAGE", 2)
    matches = [make_rated_match(connectx, alice, bob) for _ in range(3)]
    page = client.get(URL).text
    assert f"before={matches[1].pk}" in page
    older = client.get(URL + f"?before={matches[1].pk}").text
    assert rows_of(older) == 1
    assert "data-live" not in older


def test_the_list_costs_as_many_queries_for_many_as_for_few(
    client, connectx, alice, bob, django_assert_max_num_queries
):
    for _ in range(12):
        make_rated_match(connectx, alice, bob)
    with django_assert_max_num_queries(9):
        client.get(URL)


def test_a_match_shows_both_seats_and_why_each_episode_ended(client, connectx, alice, bob):
    match = make_rated_match(connectx, alice, bob, score=0.75)
    page = client.get(match.get_absolute_url()).text
    for piece in ("alice", "bob", "1½–½", "won", "lost", "Four in a row", "rating +4"):
        assert piece in page
    assert page.count("data-player") == 2
    assert "data-live" not in page


def test_an_open_match_updates_by_itself(client, connectx, alice, bob):
    match = make_match(connectx, [alice, bob])
    page = client.get(match.get_absolute_url(), headers={"HX-Request": "true"}).text
    assert page.strip().startswith('<div id="match" class="stack" data-live="1"')


def test_a_fault_of_ours_is_named_as_ours(client, connectx, alice, bob):
    match = make_rated_match(connectx, alice, bob)
    now = timezone.now()
    Attempt.objects.create(
        match=match, number=1, token="a", state="LOST", reason="our worker was stopped", sent=now
    )
    Attempt.objects.create(match=match, number=2, token="b", state="DONE", sent=now)
    page = client.get(match.get_absolute_url()).text
    assert "attempt 1: our worker was stopped. Our fault, not counted." in page
    assert "attempt 2: Its result counts." in page


def test_a_match_that_does_not_exist_is_404(client, connectx):
    assert client.get("/matches/999999/").status_code == 404
    assert client.get("/episodes/999999/").status_code == 404
    assert client.get("/episodes/999999/embed/").status_code == 404


@pytest.mark.parametrize(
    ("query", "step", "autoplay"),
    [("", "0", True), ("?step=7", "7", False), ("?step=-1", "0", True), ("?step=x", "0", True)],
)
def test_a_replay_opens_at_the_step_of_the_address(
    client, connectx, alice, bob, query, step, autoplay
):
    episode = make_rated_match(connectx, alice, bob).episodes.first()
    page = client.get(episode.get_absolute_url() + query).text
    assert f'data-step="{step}"' in page
    assert ("data-autoplay" in page) == autoplay
    assert f"/api/v1/episodes/{episode.pk}/replay" in page


@pytest.mark.parametrize("name", [None, "alice", "bob", "carol"])
def test_only_a_player_is_led_to_its_own_logs(client, connectx, alice, bob, name):
    episode = make_rated_match(connectx, alice, connectx.anchor).episodes.first()
    if name:
        client.force_login(make_user(name, is_staff=name == "carol"))
    page = client.get(episode.get_absolute_url()).text
    assert ("data-logs" in page) == (name == "alice")
    embed = client.get(f"{episode.get_absolute_url()}embed/").text
    assert "data-logs" not in embed


def test_other_sites_may_frame_the_embed_page_and_no_other(client, connectx, alice, bob):
    episode = make_rated_match(connectx, alice, bob).episodes.first()
    embed = client.get(f"{episode.get_absolute_url()}embed/")
    assert "frame-ancestors *" in embed["Content-Security-Policy"]
    assert not embed.has_header("X-Frame-Options")
    page = client.get(episode.get_absolute_url())
    assert "frame-ancestors 'self'" in page["Content-Security-Policy"]
    assert page["X-Frame-Options"] == "SAMEORIGIN"


def test_the_embed_page_knows_nobody(client, connectx, alice, bob):
    episode = make_rated_match(connectx, alice, bob).episodes.first()
    anonymous = client.get(f"{episode.get_absolute_url()}embed/").text
    client.force_login(alice.author)
    assert client.get(f"{episode.get_absolute_url()}embed/").text == anonymous


@pytest.mark.parametrize(
    ("code", "reason", "means", "advice"),
    [
        ("forbidden_call", "", "that the box does not allow", "Start no processes"),
        ("network_failure", "tls", "The certificate was not valid", "Renew the certificate"),
        ("network_failure", "", "could not be reached", "can be reached from the Internet"),
        ("of_another_release", "", "", ""),
    ],
)
def test_everybody_reads_what_failed_and_what_to_do_but_nobody_elses_traceback(
    client, connectx, alice, bob, code, reason, means, advice
):
    match = make_rated_match(connectx, alice, bob)
    seat = EpisodeSeat.objects.filter(episode__match=match, submission=alice).first()
    seat.verdict, seat.verdict_reason = code, reason
    seat.verdict_message, seat.verdict_detail = "Move 3: it broke.", "my secret line 7"
    seat.save()
    for address in (match.get_absolute_url(), seat.episode.get_absolute_url()):
        page = client.get(address).text
        assert "my secret" not in page
        for piece in (code.replace("_", " "), "Move 3: it broke.", means, advice):
            assert piece in page
    answer = client.get(f"/api/v1/episodes/{seat.episode_id}")
    (told,) = (row for row in answer.json()["seats"] if row["verdict"])
    assert (told["verdict"], told["verdict_reason"]) == (code, reason)
    assert advice in told["advice"]
    assert "my secret" not in answer.text


def test_a_match_that_waits_says_why_and_where_to_look(client, connectx, alice, bob):
    match = make_match(connectx, [alice, bob], reason="Waits: no user namespaces.")
    page = client.get(match.get_absolute_url()).text
    assert "Waits: no user namespaces." in page
    assert 'href="/status/">How the league is' in page

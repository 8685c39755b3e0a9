"""The pages of teams: who may see and do what, and that a refusal says why and changes nothing."""

import itertools
from datetime import timedelta

import pytest
from django.utils import timezone

from league import teams
from league.models import AuditEntry, Competition, Team
from league.teams import team_of
from tests.factories import (
    make_competition,
    make_entrant,
    make_house_bots,
    make_staff,
    make_submission,
    make_user,
)
from tests.league.test_teams import everything, make_team, names_in

pytestmark = pytest.mark.django_db
ACTIONS = ("invite", "revoke", "rename", "leave", "members/{bob}/remove", "members/{bob}/lead")


@pytest.fixture
def team() -> Team:
    """alice leads it, dora and bob are in it; an invitation is open."""
    team = make_team("alice", "dora", "bob")
    teams.invite(make_user())
    return Team.objects.get(pk=team.pk)


@pytest.fixture
def enter(client):
    """Logs somebody in; nobody if the name is empty."""

    def enter(name: str):
        client.logout()
        if name:
            client.force_login(make_staff() if name == "carol" else make_user(name))
        return client

    return enter


def path_of(action: str) -> str:
    return f"/team/{action.format(bob=make_user('bob').pk)}/"


# My team.


def test_the_leader_sees_the_link_and_what_can_be_done(enter, team, settings) -> None:
    page = enter("alice").get("/team/")
    assert f"{settings.SITE_URL}/team/join/{team.invite_code}/" in page.text
    for word in ("Renew it", "Revoke it", "Rename", "Make dora the leader", "Remove bob", "Leave"):
        assert word in page.text


def test_a_member_sees_the_team_but_neither_link_nor_levers(enter, team) -> None:
    page = enter("bob").get("/team/").text
    for name in ("alice", "bob", "dora", "Leave the team"):
        assert name in page
    for word in (team.invite_code, "Renew", "Remove ", "Rename", "Make "):
        assert word not in page


def test_who_has_no_team_yet_gets_one(client, django_user_model) -> None:
    client.force_login(django_user_model.objects.create_user("new"))
    page = client.get("/team/").text
    assert "<h1>new</h1>" in page
    assert "Make a link" in page
    assert "Leave the team" not in page


@pytest.mark.parametrize("path", ["/team/", "/team/join/some-code/"])
def test_a_team_needs_an_account(client, path) -> None:
    assert client.get(path)["Location"] == f"/accounts/login/?next={path}"


@pytest.mark.parametrize("action", ACTIONS)
def test_nothing_is_done_for_who_is_not_logged_in(enter, team, action) -> None:
    path, before = path_of(action), everything()
    response = enter("").post(path, {"name": "Ours"})
    assert response["Location"].startswith("/accounts/login/")
    assert everything() == before


@pytest.mark.parametrize("action", ACTIONS)
def test_nothing_is_done_by_looking(enter, team, action) -> None:
    path, before = path_of(action), everything()
    assert enter("alice").get(path).status_code == 405
    assert everything() == before


@pytest.mark.parametrize("action", [action for action in ACTIONS if action != "leave"])
def test_a_member_can_do_nothing_but_leave(enter, team, action) -> None:
    make_user("bob")
    path, before = path_of(action), everything()
    response = enter("dora").post(path, {"name": "Ours"})
    assert response.status_code == 403
    assert "Only the leader of alice can do that." in response.text
    assert everything() == before


@pytest.mark.parametrize("action", ["members/{bob}/remove", "members/{bob}/lead"])
@pytest.mark.parametrize("name", ["eve", "carol"])
def test_members_of_others_are_nobodys_to_remove_here(enter, team, name, action) -> None:
    client, path = enter(name), path_of(action)
    before = everything()
    response = client.post(path)
    assert response.status_code == 404
    assert "There is no such member of your team." in response.text
    assert everything() == before


def test_the_leader_renews_and_revokes_the_link(enter, team) -> None:
    client, first = enter("alice"), team.invite_code
    page = client.post("/team/invite/", follow=True)
    team.refresh_from_db()
    assert team.invite_code in page.text
    assert first not in page.text
    page = client.post("/team/revoke/", follow=True)
    team.refresh_from_db()
    assert team.invite_code is None
    assert "The link admits nobody any more." in page.text


def test_the_leader_renames_hands_over_and_leaves(enter, team) -> None:
    client, bob = enter("alice"), make_user("bob")
    assert "<h1>Ours</h1>" in client.post("/team/rename/", {"name": "Ours"}, follow=True).text
    page = client.post(f"/team/members/{make_user('dora').pk}/remove/", follow=True)
    assert "dora is no longer in the team." in page.text
    assert "bob leads" in client.post(f"/team/members/{bob.pk}/lead/", follow=True).text
    assert "You have left" in client.post("/team/leave/", follow=True).text
    assert names_in(team) == ["bob"]


def test_a_name_that_is_taken_is_refused_on_the_page(enter, team) -> None:
    make_user("eve")
    response = enter("alice").post("/team/rename/", {"name": "EVE"})
    assert response.status_code == 409
    assert "Another team is called EVE." in response.text
    assert "Renew it" in response.text


def test_a_name_is_shown_as_text(enter, team) -> None:
    name = "<img src=x onerror=alert(1)>"
    client = enter("alice")
    client.post("/team/rename/", {"name": name})
    for path in ("/team/", f"/teams/{team.pk}/"):
        page = client.get(path).text
        assert "&lt;img src=x" in page
        assert "<img" not in page


def test_my_team_is_one_click_away(enter) -> None:
    assert 'href="/team/"' in enter("alice").get("/").text
    assert 'href="/team/"' not in enter("").get("/").text


# Following an invitation.


@pytest.mark.parametrize("name", ["eve", "bob", "carol"])
def test_a_link_that_is_not_open_is_not_found(enter, team, name) -> None:
    response = enter(name).get("/team/join/abcdefgh/")
    assert response.status_code == 404
    assert "This invitation is not open any more: ask the team for a new link." in response.text
    assert enter(name).post("/team/join/abcdefgh/").status_code == 404


@pytest.mark.parametrize("way", ["login", "signup"])
def test_the_link_is_remembered_while_one_logs_in_or_signs_up(client, team, way) -> None:
    path = f"/team/join/{team.invite_code}/"
    make_user("eve")
    forms = {
        "login": {"login": "eve", "password": "correct horse battery"},
        "signup": {"username": "new", "password1": "horse cart 9", "password2": "horse cart 9"},
    }
    page = client.get(path, follow=True).text
    address = f"/accounts/{way}/?next={path}"
    assert way == "login" or f'href="{address}"' in page.replace("%2F", "/")
    assert client.post(address, forms[way])["Location"] == path
    assert "Join alice?" in client.get(path).text


def test_the_page_tells_what_will_happen_and_a_post_does_it(enter, team) -> None:
    competition, eve = make_competition(active_limit=1), make_user("eve")
    old = make_entrant(competition, make_user()).submission
    kept = make_entrant(competition, eve).submission
    double = make_submission(competition, eve, sha256=old.sha256)
    client, path = enter("eve"), f"/team/join/{team.invite_code}/"
    before = everything()
    page = client.get(path).text
    assert everything() == before
    for words in (
        "Join alice?", "<b>dora</b>", "your own team eve ends", "1 submission comes along",
        "retires: of a team only the newest one plays", "stays behind and retires",
        f"#{double.pk}</span></span> in Connectx stays behind",
        f"#{old.pk}</span></span> in Connectx retires",
    ):  # fmt: skip
        assert words in page
    page = client.post(path, follow=True)
    assert page.redirect_chain == [("/team/", 302)]
    assert f"You are in alice now. Retired: #{double.pk}, #{old.pk}." in page.text
    kept.refresh_from_db()
    assert (kept.team, kept.status) == (team, "ACTIVE")
    assert names_in(team)[-1] == "eve"


def test_the_leader_of_a_team_is_asked_for_all_of_it(enter, team) -> None:
    make_team("eve", "frank")
    client, path = enter("eve"), f"/team/join/{team.invite_code}/"
    page = client.get(path).text
    assert "All 2 members of eve come along" in page
    assert 'name="whole_team" value="yes"' in page
    assert client.post(path).status_code == 409
    client.post(path, {"whole_team": "yes"})
    assert names_in(team)[-2:] == ["eve", "frank"]


def test_who_cannot_join_is_told_before_and_after_trying(enter, team) -> None:
    make_team("eve", "frank")
    client, path = enter("frank"), f"/team/join/{team.invite_code}/"
    page = client.get(path)
    assert (page.status_code, page.text.count("You are in eve: leave it first.")) == (200, 1)
    assert f'action="{path}"' not in page.text
    before, refused = everything(), client.post(path, {"whole_team": "yes"})
    assert refused.status_code == 409
    assert refused.text.count("You are in eve: leave it first.") == 1
    assert everything() == before


def test_the_deadline_is_judged_when_the_request_arrives(enter, team, monkeypatch) -> None:
    make_entrant(make_competition(), make_user())
    Competition.objects.update(deadline=timezone.now() + timedelta(seconds=1000))
    client, path = enter("eve"), f"/team/join/{team.invite_code}/"
    now = timezone.now()
    clock = itertools.repeat(now + timedelta(seconds=1001))
    monkeypatch.setattr("django.utils.timezone.now", lambda: next(clock))
    assert client.post(path).status_code == 403
    # In time when it arrived, late by the time that it was looked at.
    clock = itertools.chain([now], clock)
    assert client.post(path).status_code == 302


# The public page.


@pytest.mark.parametrize("name", ["", "alice", "bob", "carol", "eve"])
def test_everybody_sees_members_and_entrants_and_nobody_the_link(enter, team, name) -> None:
    competition = make_competition()
    entrant = make_entrant(competition, make_user(), elo=1234.0, rank_low=2, rank_high=5)
    waiting = make_submission(competition, make_user(), "PENDING")
    page = enter(name).get(f"/teams/{team.pk}/").text
    for word in ("bob", "dora", "1234", "2–5", entrant.submission.get_absolute_url()):
        assert word in page
    for word in (team.invite_code, "Remove", f"#{waiting.pk}<"):
        assert word not in page


def test_a_dissolved_team_points_to_the_one_it_is_in(enter, team) -> None:
    before = team_of(make_user("eve"))
    teams.join(make_user("eve"), team.invite_code)
    page = enter("").get(f"/teams/{before.pk}/").text
    assert f'<a href="/teams/{team.pk}/">alice</a>' in page
    assert "Members" not in page


def test_the_house_has_a_page_and_no_members(client) -> None:
    bots = make_house_bots(make_competition())
    page = client.get(f"/teams/{bots[0].submission.team_id}/").text
    assert page.count("<tr>") == 1 + len(bots)
    assert "Members" not in page


def test_a_team_that_is_not_there_is_not_found(client) -> None:
    response = client.get("/teams/77/")
    assert (response.status_code, "There is no such team." in response.text) == (404, True)


def test_the_audit_trail_has_no_code(enter, team) -> None:
    enter("alice").post("/team/invite/")
    team.refresh_from_db()
    trail = [(entry.target, entry.reason) for entry in AuditEntry.objects.all()]
    assert team.invite_code not in str(trail)

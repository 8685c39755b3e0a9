"""Teams in a browser: from the link to the merger and back; each page readable on a phone."""

import re
from collections.abc import Iterator

import pytest
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, expect

from league import teams
from league.models import Entrant
from tests.e2e.pages import assert_readable
from tests.factories import make_competition, make_entrant, make_submission, make_user
from tests.league.test_teams import make_team, names_in

LONG = "wilhelmina-theodora-of-the-house"
pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def visit(chromium: Browser, live_server) -> Iterator:
    """Opens a page as one user; no page may complain in its console."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def visit(name: str, path: str) -> Page:
        client = Client()
        client.force_login(make_user(name))
        context = chromium.new_context(base_url=live_server.url)
        contexts.append(context)
        session = client.cookies["sessionid"].value
        context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.goto(path)
        return page

    yield visit
    for context in contexts:
        context.close()
    assert [text for text in complaints if "40" not in text] == []


def test_a_link_is_made_followed_and_the_team_left_again(visit) -> None:
    competition = make_competition(active_limit=1)
    alices = make_entrant(competition, make_user("alice")).submission
    make_entrant(competition, make_user("bob"))
    alice = visit("alice", "/team/")
    alice.get_by_role("button", name="Make a link").click()
    link = alice.locator("#link").inner_text()
    expect(alice.get_by_role("button", name="Copy")).to_be_visible()
    bob = visit("bob", re.sub(r"^https?://[^/]+", "", link))
    expect(bob.get_by_role("listitem").filter(has_text=f"#{alices.pk}")).to_contain_text("retires")
    assert_readable(bob)
    bob.get_by_role("button", name="Join this team").click()
    expect(bob.get_by_role("status")).to_contain_text(
        f"You are in alice now. Retired: #{alices.pk}"
    )
    assert Entrant.objects.playing().count() == 1
    alice.reload()
    assert_readable(alice)
    bob.get_by_text("Leave the team").click()
    bob.get_by_role("button", name="Leave it").click()
    expect(bob.get_by_role("heading", level=1)).to_contain_text("bob (")
    assert names_in(teams.team_of(make_user("alice"))) == ["alice"]


@pytest.mark.slow
def test_every_page_of_a_team_is_readable(visit) -> None:
    team = make_team("alice", "bob", "dora")
    competition = make_competition(max_team_size=2, requires_verified_email=True)
    make_entrant(competition, make_user("alice"), elo=1234.0, matches=40, wins=30, losses=10)
    make_submission(competition, make_user("alice"), "PENDING")
    teams.rename(make_user("alice"), team, "W" * 60)
    code = teams.invite(make_user("alice"))
    make_team("eve", LONG)
    for name, path, words in (
        ("alice", f"/teams/{team.pk}/", "On the ladders"),
        ("bob", "/team/", "Leave"),
        ("eve", f"/team/join/{code}/", "Together you would be 5"),
        (LONG, f"/team/join/{code}/", "leave it first"),
        (LONG, "/team/join/nothing/", "not open any more"),
        ("bob", "/competitions/connectx/submit/", "confirmed e-mail address"),
    ):
        page = visit(name, path)
        expect(page.get_by_text(words).first).to_be_visible()
        assert_readable(page)

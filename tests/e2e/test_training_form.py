"""The form that starts a run in a browser: another preset, what will happen, an error's place."""

import re
from collections.abc import Iterator

import pytest
from django.test import Client
from playwright.sync_api import Browser, Page, expect

from kaggle_bridge.models import TrainingRun
from tests.e2e.pages import assert_readable
from tests.factories import make_competition, make_staff

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
URL = "/training/new/"


@pytest.fixture
def carol(chromium: Browser, live_server) -> Iterator[Page]:
    """Staff before the form; no page may complain in its console."""
    make_competition("tictactoe", environment="tictactoe")
    make_competition("connectx")
    client = Client()
    client.force_login(make_staff())
    session = client.cookies["sessionid"].value
    context = chromium.new_context(base_url=live_server.url)
    context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(f"{URL}?preset=tictactoe")
    yield page
    context.close()
    assert [text for text in complaints if "400 (Bad Request)" not in text] == []


def assert_unfolded_readable(page: Page) -> None:
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert_readable(page)


def test_the_form_tells_what_will_happen_while_it_is_filled_in(carol) -> None:
    then = carol.locator("#next")
    expect(then).to_contain_text("leaves 6 checkpoints: each of them enters Tictactoe")
    assert_unfolded_readable(carol)
    carol.get_by_label("Total steps").fill("100000")
    carol.get_by_label("Total steps").blur()
    expect(then).to_contain_text("100,000 steps and leaves 2 checkpoints")
    carol.get_by_label("What to enter").select_option("last")
    expect(then).to_contain_text("the last one enters Tictactoe")
    carol.get_by_label("Preset").select_option("foraging-quick")
    expect(carol.get_by_label("Total steps")).to_have_value("3000000")
    expect(carol.get_by_label("Competition")).to_have_value("")
    expect(then).to_contain_text("none of which enters a competition")
    expect(carol).to_have_url(re.compile(r"\?preset=foraging-quick$"))
    carol.get_by_label("Sessions at most").fill("2")
    carol.get_by_label("Sessions at most").blur()
    expect(then).to_contain_text("in at most 2 sessions")


def test_an_error_is_where_it_belongs_and_what_was_typed_stays(carol) -> None:
    carol.get_by_label("Total steps").fill("777")
    carol.get_by_text("Self-play", exact=False).first.click()
    carol.get_by_label("games", exact=True).first.fill("3")
    carol.get_by_role("button", name="Start the run").click()
    expect(carol.get_by_text("shards must divide games")).to_be_visible()
    expect(carol.get_by_label("Total steps")).to_have_value("777")
    assert_unfolded_readable(carol)
    assert not TrainingRun.objects.exists()

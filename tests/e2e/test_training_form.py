"""The form that starts a run in a browser: another preset, what will happen, an error's place."""

import re
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import Client
from playwright.sync_api import Browser, Page, expect

from kaggle_bridge.models import TrainingRun
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


def assert_readable(page: Page) -> None:
    """For screen readers, in both themes, at a desk and on a phone, with all settings unfolded."""
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    for scheme, width in (("light", 1280), ("dark", 360)):
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 900})
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
        overflow = "document.documentElement.scrollWidth - window.innerWidth"
        assert page.evaluate(overflow) <= 0, f"{page.url} scrolls sideways at {width} px"


def test_the_form_tells_what_will_happen_while_it_is_filled_in(carol) -> None:
    then = carol.locator("#next")
    expect(then).to_contain_text("leaves 6 checkpoints: each of them enters Tictactoe")
    assert_readable(carol)
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
    assert_readable(carol)
    assert not TrainingRun.objects.exists()

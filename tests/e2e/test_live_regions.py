"""What updates by itself: only in a visible tab, and never under the pointer or the focus."""

from collections.abc import Iterator
from pathlib import Path

import django_htmx
import pytest
from playwright.sync_api import Browser, Page, Route, expect

import league

pytestmark = pytest.mark.e2e
SITE = "http://palaestra.test"
FILES = {
    "/live.js": Path(league.__file__).parent / "static/league/js/live.js",
    "/htmx.js": Path(django_htmx.__file__).parent / "static/django_htmx/htmx-2.min.js",
}
REGION = """<div id="region" data-live="0.4" hx-get="/" hx-trigger="live" hx-swap="outerHTML">
<p tabindex="0">answer {number}</p></div>"""
PAGE = """<!doctype html><script src="/htmx.js"></script>
<script type="module">import {{ startLive }} from "/live.js"; startLive();</script>{region}"""
LONG_MS = 1600


class Server:
    """Answers the page's requests, and counts how often the region asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.is_away = False

    def answer(self, route: Route) -> None:
        path = route.request.url.removeprefix(SITE)
        if path in FILES:
            route.fulfill(path=FILES[path], content_type="text/javascript")
        elif "hx-request" not in route.request.headers:
            route.fulfill(
                body=PAGE.format(region=REGION.format(number=0)), content_type="text/html"
            )
        else:
            self.asked += 1
            if self.is_away:
                route.abort()
            else:
                route.fulfill(body=REGION.format(number=self.asked), content_type="text/html")


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def page(chromium: Browser, server: Server) -> Iterator[Page]:
    page = chromium.new_page()
    page.route("**/*", server.answer)
    page.goto(f"{SITE}/")
    yield page
    page.close()


def asked_within(page: Page, server: Server, milliseconds: int = LONG_MS) -> int:
    before = server.asked
    page.wait_for_timeout(milliseconds)
    return server.asked - before


def test_a_region_asks_again_and_again(page: Page) -> None:
    expect(page.locator("#region")).to_contain_text("answer 2")
    expect(page.locator("#region")).to_have_count(1)


def test_nothing_is_asked_under_the_pointer(page: Page, server: Server) -> None:
    page.locator("#region p").hover()
    page.wait_for_timeout(600)
    assert asked_within(page, server) == 0
    expect(page.locator("#region")).to_contain_class("is-held")
    page.mouse.move(2, 700)
    assert asked_within(page, server) >= 1


def test_nothing_is_asked_around_the_focus(page: Page, server: Server) -> None:
    page.locator("#region p").focus()
    page.wait_for_timeout(600)
    assert asked_within(page, server) == 0


def test_nothing_is_asked_in_a_hidden_tab(page: Page, server: Server) -> None:
    page.evaluate("Object.defineProperty(document, 'hidden', { get: () => true })")
    page.wait_for_timeout(600)
    assert asked_within(page, server) == 0


def test_nothing_is_asked_in_a_closed_part_of_the_page(page: Page, server: Server) -> None:
    page.evaluate(
        """const details = document.createElement("details");
           document.body.append(details);
           details.append(document.querySelector("#region"));"""
    )
    page.wait_for_timeout(600)
    assert asked_within(page, server) == 0
    page.evaluate("document.querySelector('details').open = true")
    assert asked_within(page, server) >= 1


def test_an_answer_that_comes_under_the_pointer_is_dropped(page: Page) -> None:
    """The pointer may arrive while the answer is on its way."""
    page.evaluate(
        """document.addEventListener("htmx:beforeSwap", () => {
             document.querySelector("#region p").focus();
           }, { capture: true })"""
    )
    page.wait_for_timeout(LONG_MS)
    expect(page.locator("#region")).to_contain_text("answer 0")


def test_a_server_that_does_not_answer_is_said(page: Page, server: Server) -> None:
    server.is_away = True
    expect(page.locator("#region")).to_contain_class("is-stale")
    server.is_away = False
    expect(page.locator("#region.is-stale")).to_have_count(0)

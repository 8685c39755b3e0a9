"""The button in a browser: an admin starts a run on this machine, sees it live, and what it has
trained stands on the ladder."""

import re
from collections.abc import Iterator
from contextlib import closing

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e.league_process import League
from tests.e2e.pages import assert_readable

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(600)]

TOTAL = 6400
# A run of seconds, by the names of the form's fields.
TINY = {
    "total_steps": TOTAL,
    "config.log_interval": 320,
    "config.save_interval": TOTAL // 2,
    "config.evaluate_interval": 0,
    "config.selfplay.network.width": 8,
    "config.selfplay.network.depth": 1,
    "config.selfplay.search.simulations": 4,
    "config.selfplay.games": 8,
    "config.selfplay.moves_per_update": 4,
    "config.selfplay.buffer": 16,
    "config.selfplay.learning.batch": 32,
    "config.selfplay.learning.batches": 1,
}
LATER = 120_000  # milliseconds, for what takes the machine's time


@pytest.fixture(scope="module")
def league(tmp_path_factory: pytest.TempPathFactory) -> Iterator[League]:
    # One core for the matches, so that the other one trains.
    league = League(tmp_path_factory.mktemp("training") / "var", EVALUATION_CONCURRENCY="1")
    league.start()
    yield league
    league.stop()


@pytest.fixture(scope="module")
def admin(chromium: Browser, league: League) -> Iterator[BrowserContext]:
    """Logged in as the league says; no page may complain in its console."""
    context = chromium.new_context(
        base_url=f"http://127.0.0.1:{league.port}", viewport={"width": 1280, "height": 900}
    )
    complaints: list[str] = []
    context.on("console", lambda message: complaints.append(message.text))
    context.on("weberror", lambda error: complaints.append(str(error.error)))
    with closing(context.new_page()) as page:
        page.goto("/accounts/login/?next=/training/")
        page.locator("[name=login]").fill("admin")
        page.locator("[name=password]").fill((league.data_dir / "admin-password").read_text())
        page.get_by_role("button", name="Log in", exact=True).click()
        page.wait_for_url("**/training/")
    yield context
    context.close()
    # What is typed on drops the question about what was typed before, and htmx tells.
    assert [text for text in complaints if not text.startswith("htmx:")] == []


@pytest.fixture(scope="module")
def page(admin: BrowserContext) -> Iterator[Page]:
    """The page of a run that was started by the form; it is never loaded again."""
    page = admin.new_page()
    page.goto("/training/")
    page.get_by_role("link", name="Start a run").click()
    page.get_by_label("Preset").select_option("tictactoe")
    expect(page.locator("#start [name=preset]")).to_have_value("tictactoe")
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    for name, value in TINY.items():
        page.locator(f"#start [name='{name}']").fill(str(value))
    expect(page.get_by_label("Trained on")).to_have_value("local")
    then = page.locator("#next")
    expect(then).to_contain_text("leaves 2 checkpoints: each of them enters")
    page.get_by_role("button", name="Start the run").click()
    page.wait_for_url(re.compile(r"/training/\d+/$"))
    page.evaluate("window.isTheSame = true")
    yield page
    page.close()


def steps_done(page: Page) -> int:
    bar = page.get_by_role("img", name=re.compile(r"^Step \d")).get_attribute("aria-label")
    count, unit = re.match(r"Step ([\d.]+)( k)?", bar or "").groups()
    return round(float(count) * (1000 if unit else 1))


def test_state_and_step_change_before_ones_eyes(page: Page) -> None:
    state = page.locator("#run-state")
    expect(state.get_by_text("running", exact=True)).to_be_visible(timeout=LATER)
    expect(state.locator(".live")).to_be_visible()
    before = steps_done(page)
    assert_readable(page)
    expect(page.locator("#run-charts figure").first).to_be_visible(timeout=LATER)
    expect(page.locator("#run-log")).to_contain_text("step")
    expect(state.get_by_text("imported", exact=True)).to_be_visible(timeout=LATER)
    expect(state).to_contain_text(re.compile(r"All 6\.4 k steps are done in 1 session"))
    assert before < steps_done(page) == TOTAL
    assert page.evaluate("window.isTheSame")


def test_the_curve_leads_to_a_submission_that_names_run_and_step(page: Page) -> None:
    point = page.locator(f"#run-curve a[aria-label$='step {TOTAL / 1000:g} k']")
    expect(point).to_be_visible(timeout=LATER)
    assert page.evaluate("window.isTheSame")
    run = page.url
    point.locator("circle").last.click()
    page.wait_for_url(re.compile(r"/submissions/\d+/$"))
    lineage = page.locator("section", has=page.get_by_role("heading", name="Training", exact=True))
    expect(lineage).to_contain_text("session 1")
    expect(lineage).to_contain_text("6.4 k of 6.4 k")
    lineage.get_by_role("link", name=re.compile(r"^run \d+$")).click()
    page.wait_for_url(run)


def test_what_it_has_trained_stands_on_the_ladder(admin: BrowserContext, page: Page) -> None:
    number = re.search(r"/training/(\d+)/", page.url)[1]
    with closing(admin.new_page()) as ladder:
        ladder.goto("/competitions/tictactoe/leaderboard/")
        rows = ladder.locator("tr", has_text=f"Training {number}: tictactoe")
        expect(rows).to_have_count(2)
        expect(rows.first.locator(".reach").first).to_have_text(re.compile(r"±\d+"))

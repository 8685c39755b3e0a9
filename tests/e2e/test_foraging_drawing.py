"""The drawing of foraging in a browser: it computes the field, counts, marks births and deaths."""

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

import evaluation
from evaluation.envs.foraging import episode
from evaluation.envs.foraging.world import TERRITORY, TRAIL
from evaluation.player import page

pytestmark = pytest.mark.e2e

DRAWING = (Path(evaluation.__file__).parent / "envs/foraging/foraging.js").read_text()
# Small maps; and little energy, so that there are deaths among births within few steps.
SETTINGS = {"grid_size": 12, "num_food": 8, "max_agents": 12, "starting_energy": 130}
SETTINGS |= {"max_energy": 130, "energy_per_step": 4, "episodeSteps": 130}
BOTS = ["greedy", "random", "pheromone"]
SEARCHING = 0
TINTS = 8  # of a colony's families, in turn


@pytest.fixture(scope="module", params=[1, 3], ids=["edges", "around"])
def env(request: pytest.FixtureRequest) -> evaluation.Environment:
    random.seed(4)
    played = evaluation.make("foraging", SETTINGS, {"seed": 5})
    played.run(BOTS[: request.param])
    return played


@pytest.fixture
def visit(chromium: Browser, tmp_path: Path) -> Iterator[Callable[..., Page]]:
    """Opens a page; afterwards its console must be silent and nothing asked of the network."""
    context = chromium.new_context(viewport={"width": 900, "height": 900})
    complaints: list[str] = []

    def open_page(text: str, query: str = "") -> Page:
        path = tmp_path / "page.html"
        path.write_text(text)
        tab = context.new_page()
        tab.on("console", lambda message: complaints.append(message.text))
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.on("request", lambda request: check(request.url))
        tab.goto(f"{path.as_uri()}{query}")
        return tab

    def check(url: str) -> None:
        if not url.startswith(("file:", "blob:", "data:")):
            complaints.append(url)

    yield open_page
    context.close()
    assert complaints == []


def open_step(visit: Callable[..., Page], env: evaluation.Environment, step: int) -> Page:
    tab = visit(str(env.render(mode="html")), f"?step={step}")
    expect_step(tab, env, step)
    return tab


def expect_step(tab: Page, env: evaluation.Environment, step: int) -> None:
    expect(tab.locator(".player-counter")).to_have_text(f"{step} / {len(env.steps) - 1}")


def seek(tab: Page, env: evaluation.Environment, step: int) -> None:
    tab.get_by_label("Step", exact=True).fill(str(step))
    expect_step(tab, env, step)


def alone(environment: dict[str, Any], script: str) -> str:
    """A page with the module and no player; `script` finds `environment` and the module's names."""
    return f"""<div id="board"></div><script type="module">{DRAWING}
        const environment = {json.dumps(environment)};
        const context = {{ environment, agents: [], frame: 1, width: 700, height: 500,
            parent: document.getElementById("board") }};
        {script}</script>"""


def world_at(env: evaluation.Environment, step: int) -> dict[str, Any]:
    return env.steps[step][0].observation.world


def step_with(env: evaluation.Environment, happens: Callable[[int], bool]) -> int:
    return next(step for step in range(1, len(env.steps)) if happens(step))


def newcomers(env: evaluation.Environment, step: int) -> list[int]:
    before = {agent[1] for agent in world_at(env, step - 1)["agents"]}
    return [agent[1] for agent in world_at(env, step)["agents"] if agent[1] not in before]


def fields_of_the_rules(env: evaluation.Environment) -> list[np.ndarray]:
    now = episode.begin(episode.world_of(env.configuration), len(env.state), env.info["seed"])
    fields = [now.state.field]
    for seats in env.steps[1:]:
        now = episode.advance(now, [seat.action for seat in seats])
        fields.append(now.state.field)
    return fields


def heat(tab: Page, channel: str) -> Locator:
    return tab.locator(f".player-stage .{channel} path[d^=M]")


def test_the_field_is_the_one_of_the_rules(
    visit: Callable[..., Page], env: evaluation.Environment
) -> None:
    expected = fields_of_the_rules(env)
    assert any(world_at(env, step)["deaths"] for step in range(100))
    order = [0, 1, 2, 129, 30, 29, 120, 75, 50]  # forwards, far, back, over what is kept
    script = f"""const at = fields(environment);
        globalThis.found = {order}.map((step) => at(step).map((values) => [...values]));"""
    found = visit(alone(env.toJSON(), script)).evaluate("globalThis.found")
    for step, (trail, territory) in zip(order, found, strict=True):
        now = expected[step]
        np.testing.assert_allclose(trail, now[..., TRAIL].reshape(-1), atol=2e-6)
        np.testing.assert_allclose(territory, now[..., TERRITORY].reshape(-1), atol=2e-6)
    assert expected[120][..., TRAIL].max() > 0.1


def test_keys_switch_each_channel(visit: Callable[..., Page], env: evaluation.Environment) -> None:
    tab = open_step(visit, env, 60)
    for channel, other in (("Trail", "Territory"), ("Territory", "Trail")):
        button = tab.get_by_role("button", name=f"{channel} field", pressed=True)
        shown, beside = heat(tab, channel).count(), heat(tab, other).count()
        assert shown
        button.press("Space")
        expect(tab.get_by_role("button", name=f"{channel} field", pressed=False)).to_be_focused()
        assert (heat(tab, channel).count(), heat(tab, other).count()) == (0, beside)
        tab.keyboard.press("ArrowRight")
        assert heat(tab, channel).count() == 0
        tab.keyboard.press("ArrowLeft")
        tab.keyboard.press("Enter")
        assert heat(tab, channel).count() == shown
    expect_step(tab, env, 60)


def test_counts_are_drawn_below_the_board(
    visit: Callable[..., Page], env: evaluation.Environment
) -> None:
    tab = open_step(visit, env, 0)
    for step in (0, 64, 129):
        seek(tab, env, step)
        delivered = [seat.observation.delivered for seat in env.steps[step]]
        slots = [agent[0] // 12 for agent in world_at(env, step)["agents"]]
        living = [slots.count(colony) for colony in range(len(delivered))]
        for series, counts in (("delivered", delivered), ("living", living)):
            shown = tab.locator(f".player-stage .{series} text[font-weight]").all_text_contents()
            assert shown == [str(count) for count in counts]
            points = [path.count("L") for path in curves(tab, series)]
            assert points == [len(env.steps) - 1] * len(delivered)
        name = tab.locator(".player-stage > svg").get_attribute("aria-label") or ""
        told = f"Step {step}. Seat 1: {living[0]} living, {delivered[0]} delivered"
        assert name.startswith(told)


def curves(tab: Page, series: str) -> list[str]:
    paths = tab.locator(f".player-stage .{series} > path[stroke-linejoin]")
    return paths.evaluate_all("(paths) => paths.map((path) => path.getAttribute('d'))")


def test_births_and_deaths_of_the_step_are_marked(
    visit: Callable[..., Page], env: evaluation.Environment
) -> None:
    birth = step_with(env, lambda step: bool(newcomers(env, step)))
    death = step_with(env, lambda step: bool(world_at(env, step)["deaths"]))
    tab = open_step(visit, env, death)
    for step in (birth, death, 0):
        seek(tab, env, step)
        born = len(newcomers(env, step)) if step else 0
        died = [[column + 0.5, row + 0.5] for _, row, column in world_at(env, step)["deaths"]]
        assert tab.locator(".events .born").count() == born
        marks = tab.locator(".events .died").evaluate_all(
            "(nodes) => nodes.map((node) => node.transform.baseVal[0].matrix)"
            ".map(({ e, f }) => [e, f])"
        )
        assert marks == died


def test_agents_show_what_they_carry_and_from_whom_they_descend(
    visit: Callable[..., Page], env: evaluation.Environment
) -> None:
    families: dict[int, tuple[int, int]] = {}
    founders = [0] * len(env.state)
    for step in range(101):
        for slot, id_, parent, *_ in world_at(env, step)["agents"]:
            if id_ not in families and parent < 0:
                families[id_] = (slot // 12, founders[slot // 12] % TINTS)
                founders[slot // 12] += 1
            families.setdefault(id_, families.get(parent, (-1, -1)))
    agents = world_at(env, 100)["agents"]
    tab = open_step(visit, env, 100)
    drawn = tab.locator(".crowd > g")
    assert drawn.count() == len(agents)
    laden = tab.locator(".crowd > g > [visibility=visible]").count()
    assert laden == sum(agent[6] != SEARCHING for agent in agents)
    paths = tab.locator(".crowd > g > path:first-child")
    looks = paths.evaluate_all(
        "(paths) => paths.map((path) => path.getAttribute('d') + path.getAttribute('fill'))"
    )
    pairs = set(zip((families[agent[1]] for agent in agents), looks, strict=True))
    assert len(pairs) == len(set(looks)) == len({family for family, _ in pairs})
    shapes = {(colony, look.split("z")[0]) for (colony, _), look in pairs}
    assert len(shapes) == len({shape for _, shape in shapes}) == len(env.state)


def test_an_episode_that_grows_is_counted_on(
    visit: Callable[..., Page], env: evaluation.Environment
) -> None:
    script = """const all = environment.steps;
        environment.steps = all.slice(0, 20);
        renderer({ ...context, step: 19 });
        environment.steps.push(...all.slice(20, 50));
        renderer({ ...context, step: 40 });"""
    tab = visit(alone(env.toJSON(), script))
    delivered = [str(seat.observation.delivered) for seat in env.steps[40]]
    assert tab.locator(".delivered text[font-weight]").all_text_contents() == delivered
    drawn = tab.locator(".delivered > path[stroke-linejoin]").first.get_attribute("d") or ""
    assert drawn.count("L") == 49


def test_a_small_board_has_no_buttons_of_its_own(
    visit: Callable[..., Page], env: evaluation.Environment
) -> None:
    tab = visit(page(env.toJSON(), DRAWING, "Small", {"compact": ""}))
    expect(tab.get_by_role("img", name="Step")).to_be_visible()
    assert tab.locator(".player-stage [role=button]").count() == 0

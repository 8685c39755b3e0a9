"""The modes of render: what they return or print, and what their options do."""

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

import evaluation
from evaluation import rendering
from evaluation.errors import FailedPrecondition, InvalidArgument
from tests.evaluation.test_player import Parsed, part

SECTION = re.compile(r'<section class="player"([^>]*)>')


@pytest.fixture
def env() -> evaluation.Environment:
    env = evaluation.make("connectx", {"seed": 7})
    env.run([3, 4])
    return env


def attributes(page: str) -> dict[str, str]:
    found = SECTION.search(page)
    assert found
    return dict(re.findall(r'data-([\w-]+)="([^"]*)"', found[1]))


def made(drawing: Any) -> evaluation.Environment:
    """ConnectX that is drawn by somebody else."""
    module = {**evaluation.environments["connectx"], "html_renderer": drawing}
    return evaluation.make(module)


def test_json_is_the_replay_and_indented_on_demand(env: evaluation.Environment) -> None:
    text = env.render(mode="json")
    assert text is not None
    assert json.loads(text) == json.loads(json.dumps(env.toJSON()))
    assert "\n" not in text
    assert env.render(mode="json", debug=True) == json.dumps(env.toJSON(), sort_keys=True, indent=2)


def test_ansi_returns_what_human_prints(
    env: evaluation.Environment, capsys: pytest.CaptureFixture[str]
) -> None:
    text = env.render(mode="ansi")
    assert text is not None
    assert text.startswith("+---+")
    assert env.render() is None
    assert capsys.readouterr().out == f"{text}\n"


def test_unknown_mode_lists_the_modes(env: evaluation.Environment) -> None:
    with pytest.raises(InvalidArgument, match="json, ansi, human, html, ipython"):
        env.render(mode="png")


def test_episode_that_is_over_plays_from_its_start(env: evaluation.Environment) -> None:
    given = attributes(env.render(mode="html") or "")
    assert (given["autoplay"], given["step"]) == ("1", "0")


def test_episode_that_goes_on_opens_at_its_last_step() -> None:
    env = evaluation.make("connectx")
    env.step([3, None])
    given = attributes(env.render(mode="html") or "")
    assert (given["autoplay"], given["step"]) == ("", "1")


@pytest.mark.parametrize(
    ("options", "name", "value"),
    [
        ({"step": 4}, "step", "4"),
        ({"playing": False}, "autoplay", ""),
        ({"autoplay": False}, "autoplay", ""),
        ({"controls": False}, "controls", "0"),
        ({"header": False}, "header", "0"),
        ({"speed": 50}, "step-ms", "50"),
    ],
)
def test_option_reaches_the_player(
    env: evaluation.Environment, options: dict[str, Any], name: str, value: str
) -> None:
    assert attributes(env.render(mode="html", **options) or "")[name] == value


def test_options_are_no_markup(env: evaluation.Environment) -> None:
    page = env.render(mode="html", step='"><script>alert(1)</script>', speed="<b>")
    assert Parsed(page or "").tags == Parsed(env.render(mode="html") or "").tags


def test_drawing_is_told_environment_and_mode() -> None:
    told: list[Any] = []
    env = made(lambda env, mode: told.append((env, mode)) or "function renderer() {}")
    env.render(mode="html")
    assert told == [(env, "html")]


def test_drawing_in_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "index.html"
    path.write_text("<!doctype html><p>viewer</p>")
    env = made(lambda: ("html_path", str(path)))
    assert "viewer" in part(env.render(mode="html") or "", "frame")


def test_environment_that_draws_nothing_shows_a_table() -> None:
    page = made(lambda: None).render(mode="html") or ""
    assert "frame" not in attributes(page)
    assert "drawing" not in page


def test_page_of_a_replay_draws_as_its_game_does(env: evaluation.Environment) -> None:
    page = rendering.page(env.toJSON())
    assert part(page, "replay")["info"]["result"] == env.summary()
    assert part(page, "replay")["steps"] == json.loads(json.dumps(env.toJSON()["steps"]))


def test_notebook_mode_without_ipython_says_what_to_do(
    env: evaluation.Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("IPython", "IPython.display"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(FailedPrecondition, match="install IPython"):
        env.render(mode="ipython")

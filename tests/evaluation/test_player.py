"""The self-contained replay page: agents' words stay data, only its scripts run, it is small."""

import base64
import hashlib
import json
import re
import zlib
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import evaluation
from evaluation import player
from evaluation.player import GUEST, MODULES, encode, frame, is_remote, page

GOLDEN = Path(__file__).parent / "golden" / "connectx.json"
FOLDER = Path(player.__file__).parent
ENVS = FOLDER.parent / "envs"
CONNECTX_JS = (ENVS / "connectx" / "connectx.js").read_text()
HOSTILE = [
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "]]><img src=x onerror=alert(1)>",
    "</SCRIPT\t><svg/onload=alert(1)>",
    "line\u2028and\u2029paragraph",
    "lone \ud800 surrogate",
    "'\"`${alert(1)}&lt;&amp;\\u003c/script>\x00",
]


class Parsed(HTMLParser):
    """Elements of a page, and the text of each script as a browser would see it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag == "script":
            self.scripts.append((dict(attrs), ""))

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1] == "script" and self.cdata_elem == "script":
            attributes, text = self.scripts[-1]
            self.scripts[-1] = (attributes, text + data)

    @property
    def policy(self) -> str:
        values = (value or "" for name, value in self.attributes if name == "content")
        return next(value for value in values if "default-src" in value)


@pytest.fixture(scope="module")
def replay() -> dict[str, Any]:
    return json.loads(GOLDEN.read_text())


def packed(text: str) -> list[tuple[str, dict[str, str], str]]:
    """The elements that the loader puts into the page: tag, attributes, text."""
    found = re.search(r'const packed = "([^"]+)"', text)
    assert found
    return json.loads(zlib.decompress(base64.b64decode(found[1])))


def part(text: str, name: str) -> Any:
    """What the page holds as JSON under an id."""
    (found,) = [inner for _, attrs, inner in packed(text) if attrs.get("id") == name]
    return json.loads(found)


def sources(scripts: list[str]) -> str:
    digests = (hashlib.sha256(script.encode()).digest() for script in scripts)
    return " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)


@pytest.mark.parametrize("words", HOSTILE)
def test_words_of_agents_never_become_markup(replay: dict[str, Any], words: str) -> None:
    hostile = json.loads(json.dumps(replay))
    hostile["info"] = {"TeamNames": [words, words], "result": {"cause": words, "winner": 0}}
    hostile["steps"][1][0]["action"] = {words: [words]}
    hostile["logs"] = [[{"stdout": words, "stderr": words}] * 2] * len(hostile["steps"])
    text = page(hostile, CONNECTX_JS, words)
    parsed = Parsed(text.encode().decode())
    plain = Parsed(page(replay, CONNECTX_JS, "ConnectX"))
    assert part(text, "replay") == hostile
    assert parsed.tags == plain.tags
    assert len(parsed.scripts) == 1
    assert not [name for name, _ in parsed.attributes if name.startswith("on")]


def test_policy_allows_only_the_scripts_of_the_page(replay: dict[str, Any]) -> None:
    text = page(replay, CONNECTX_JS, "ConnectX")
    parsed = Parsed(text)
    loader = next(text for attrs, text in parsed.scripts if attrs.get("type") == "module")
    inner = [content for _, attrs, content in packed(text) if attrs.get("type") == "module"]
    drawing, player = inner
    assert f"script-src {sources([loader, player, drawing])};" in parsed.policy
    assert "unsafe" not in parsed.policy
    assert "http" not in parsed.policy


def test_page_names_no_other_address(replay: dict[str, Any]) -> None:
    text = page(replay, CONNECTX_JS, "ConnectX")
    everything = text + "".join(content for _, _, content in packed(text))
    assert set(re.findall(r"https?://[^\s\"']+", everything)) <= {"http://www.w3.org/2000/svg"}


def test_page_of_a_connectx_episode_is_small(replay: dict[str, Any]) -> None:
    longest = replay | {"steps": (replay["steps"] * 4)[:43], "logs": (replay["logs"] * 4)[:43]}
    assert len(page(longest, CONNECTX_JS, "ConnectX").encode()) < 30_000


@pytest.mark.parametrize("game", ["connectx", "tictactoe"])
def test_rendered_environment_is_this_page(game: str) -> None:
    environment = evaluation.make(game)
    environment.run(["random", "random"])
    shown = part(environment.render(mode="html"), "replay")
    assert shown["steps"] == json.loads(json.dumps(environment.toJSON()["steps"]))
    assert shown["info"]["result"]["cause"]


def test_numbers_that_json_cannot_say_become_null() -> None:
    data = {"reward": float("nan"), "action": [float("inf"), (1.5, -float("inf"))]}
    assert json.loads(encode(data)) == {"reward": None, "action": [None, [1.5, None]]}


def test_values_that_json_cannot_hold_become_their_text() -> None:
    data = {(1, 2): {3}, "agent": HOSTILE[0].encode()}
    assert json.loads(encode(data)) == {"(1, 2)": "{3}", "agent": repr(HOSTILE[0].encode())}


def test_drawing_function_of_kaggle_environments_plays_in_a_frame(replay: dict[str, Any]) -> None:
    source = "\n// old\nfunction renderer(c) { return '</script>'; }\nfunction helper() {} // end\n"
    text = page(replay, source, "Legacy")
    inner = Parsed(part(text, "frame"))
    (_, drawing), (_, guest) = inner.scripts
    script = json.loads(drawing)["script"]
    assert (
        script == f"globalThis.drawing = {{}};\nglobalThis.drawing.renderer = {source.strip()}\n;"
    )
    assert sources([guest, script]) in Parsed(text).policy
    assert sources([guest, script]) in frame(source).policy
    assert len(Parsed(text).scripts) == 1


def test_own_module_may_be_framed_too(replay: dict[str, Any]) -> None:
    (_, drawing), _ = Parsed(frame(CONNECTX_JS).document).scripts
    assert json.loads(drawing)["type"] == "module"
    assert "globalThis.drawing = { renderer" in json.loads(drawing)["script"]


def test_whole_viewer_plays_in_a_frame_and_asks_for_nothing(replay: dict[str, Any]) -> None:
    start = 'start("<script>export{}</script>".length);\r\nexport {};'.replace("</s", "<\\/s")
    viewer = (
        '<!doctype html><html><head><link rel="icon" href="/vite.svg"><link href="data:,x">'
        "<style>@import url('https://fonts.test/css?a;b');a { background: url(/images/a.png) }"
        f'</style><script type="module">{start}</script></head></html>'
    )
    framed = frame(viewer)
    held = json.loads(Parsed(framed.document).scripts[0][1])["viewer"]
    assert "fonts.test" not in held
    assert "images/a.png" not in held
    assert "vite.svg" not in held
    assert 'href="data:,x"' in held
    assert sources([start.replace("\r\n", "\n")]) in framed.policy
    assert "http" not in framed.policy
    assert part(page(replay, viewer, ""), "frame") == framed.document


@pytest.mark.parametrize("words", HOSTILE)
def test_drawings_hold_whatever_text(replay: dict[str, Any], words: str) -> None:
    viewer = f"<!doctype html><p title='{words}'></p>"
    inner = Parsed(frame(viewer).document.encode(errors="replace").decode())
    assert inner.tags.count("script") == 2
    assert len(inner.scripts) == 2


def test_viewer_with_scripts_elsewhere_gets_the_replay_before_them(replay: dict[str, Any]) -> None:
    hostile = replay | {"info": {"TeamNames": [HOSTILE[0], HOSTILE[1]]}}
    viewer = (
        '<!doctype html><html><head lang="en"><script src="https://a.test/b.js"></script></head>'
    )
    assert is_remote(viewer)
    scripts = [text for _, text in Parsed(page(hostile, viewer, "")).scripts]
    assert len(scripts) == 2
    state = scripts[0].removeprefix("window.kaggle = ").removesuffix(";")
    assert json.loads(state)["environment"] == hostile


def test_page_to_play_on_may_post_to_its_loopback_server_only(replay: dict[str, Any]) -> None:
    address = "http://127.0.0.1:4000/secret"
    policy = Parsed(page(replay, CONNECTX_JS, "", {"play": address})).policy
    assert "connect-src http://127.0.0.1:4000;" in policy
    framed = Parsed(page(replay, "function renderer() {}", "", {"play": address})).policy
    assert "connect-src data: blob: http://127.0.0.1:4000;" in framed


def test_each_browser_module_is_packed_after_what_it_imports() -> None:
    """Types in comments count too: the hashed names of static files allow no circle of any kind."""
    assert {*MODULES, GUEST} == {path.name for path in FOLDER.glob("*.js")}
    for place, name in enumerate(MODULES):
        imported = re.findall(r'(?:from |import\()"\./(.+?)"', (FOLDER / name).read_text())
        assert set(imported) <= set(MODULES[:place]), name


def test_packed_code_holds_no_module_syntax_that_is_left_over(replay: dict[str, Any]) -> None:
    *_, (_, attributes, player) = packed(page(replay, CONNECTX_JS, "ConnectX"))
    assert attributes == {"type": "module"}
    assert not re.search(r"^(import|export)\b", player, re.MULTILINE)


@pytest.mark.parametrize("path", [*FOLDER.glob("*.js"), *ENVS.glob("*/*.js")], ids=lambda p: p.name)
def test_browser_modules_are_typed_and_use_no_forbidden_door(path: Path) -> None:
    source = path.read_text()
    assert source.startswith("// @ts-check\n")
    doors = r"innerHTML|outerHTML =|insertAdjacent|\beval\b|style="
    if path.name != GUEST:  # which writes a viewer into a frame that has nothing to lose
        doors += r"|document\.write"
    assert not re.search(doors, source)

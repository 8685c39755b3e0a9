"""The replay player as one self-contained HTML file; the site serves the same modules as files."""

import base64
import hashlib
import html
import json
import math
import re
import zlib
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
# Each module stands after those that it imports.
MODULES = (
    "replay.js",
    "elements.js",
    "dialogs.js",
    "scoreboard.js",
    "timeline.js",
    "controls.js",
    "logs.js",
    "plain.js",
    "player.js",
)
IMPORT = re.compile(r'^import (?:\* as )?(.+) from "\./(\w+)\.js";$', re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:async )?(?:function|const|let|class) (\w+))", re.MULTILINE)
COMMENT = re.compile(r"^\s*(?:/\*(?:(?!\*/).)*\*/|//[^\n]*)\s*$", re.MULTILINE | re.DOTALL)
START = '$player.mount(document.querySelector(".player"), globalThis.drawing);'
UNPACK = """
const bytes = Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0));
const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
for (const [tag, type, text] of await new Response(stream).json()) {
  const node = Object.assign(document.createElement(tag), { type, async: false });
  node.textContent = text;
  document.head.append(node);
}
"""


def page(replay: dict[str, Any], renderer_js: str, title: str) -> str:
    """An HTML file that plays a replay and asks the network for nothing.

    renderer_js: an ES module that exports `renderer`; or the form of kaggle-environments, an
    expression such as `function renderer(context) {…}`; or a whole HTML viewer that reads
    `window.kaggle`; or nothing, for a plain table.
    """
    if renderer_js.lstrip().startswith("<"):
        return _inject(renderer_js, replay)
    is_module = bool(re.search(r"^\s*export\b", renderer_js, re.MULTILINE))
    drawing = _module(renderer_js) if is_module else _expression(renderer_js)
    scripts = [["script", "module" if is_module else "", drawing], ["script", "module", _player()]]
    loader = f'const packed = "{_pack([["style", "", _style()], *scripts])}";{UNPACK}'
    allowed = " ".join(_source(text) for text in (loader, drawing, _player()))
    # Renderers written elsewhere may set styles in their markup; scripts stay limited to these.
    styles = _source(_style()) if is_module else "'unsafe-inline'"
    name = html.escape(title.encode(errors="replace").decode())
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src {allowed}; \
style-src {styles}; img-src data: blob:; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{name}</title>
</head>
<body class="player-page">
<main>
<h1>{name}</h1>
<section class="player" data-replay="#replay" data-title="{name}" data-autoplay="1" data-fill>
This replay plays in a browser of 2023 or later, with JavaScript; its data stands in this file.
</section>
</main>
<script type="application/json" id="replay">{encode(replay)}</script>
<script type="module">{loader}</script>
</body>
</html>
"""


def encode(value: Any) -> str:
    """JSON that is inert inside a script element: no `<`, `>`, `&` and nothing beyond ASCII.

    What JSON has no word for (an agent of this process may answer anything) stands as its repr.
    """
    text = json.dumps(_finite(value), separators=(",", ":"), default=repr)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _finite(value: Any) -> Any:
    """The same data with null for NaN and infinities, which JSON has no word for."""
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _inject(document: str, replay: dict[str, Any]) -> str:
    """A foreign viewer with the replay where it looks for it, before its own scripts."""
    state = encode({"environment": replay, "playing": True, "step": 0, "controls": True})
    head = re.search(r"<head\b[^>]*>", document, re.IGNORECASE)
    at = head.end() if head else 0
    return f"{document[:at]}<script>window.kaggle = {state};</script>{document[at:]}"


def _module(text: str) -> str:
    optional = ", ".join(
        f'{name}: typeof {name} == "function" ? {name} : undefined'
        for name in ("piece", "describe")
    )
    return f"{_without_comments(text)}\nglobalThis.drawing = {{ renderer, {optional} }};"


def _expression(text: str) -> str:
    """Assigned as kaggle-environments does it, so that what works there works here."""
    if not text.strip():
        return ""
    return f"globalThis.drawing = {{}};\nglobalThis.drawing.renderer = {text.strip()};"


def _pack(elements: list[list[str]]) -> str:
    return base64.b64encode(zlib.compress(json.dumps(elements).encode(), 9)).decode()


def _source(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


@cache
def _player() -> str:
    """The player's modules as one script, each in a scope of its own."""
    return "\n".join([*map(_scope, MODULES), START])


def _scope(name: str) -> str:
    text = _without_comments((FOLDER / name).read_text())
    exports = ", ".join(EXPORT.findall(text))
    body = EXPORT.sub("", IMPORT.sub(r"const \1 = $\2;", text))
    return f"const ${Path(name).stem} = (() => {{\n{body}\nreturn {{ {exports} }};\n}})();"


@cache
def _style() -> str:
    return _without_comments((FOLDER / "player.css").read_text())


def _without_comments(text: str) -> str:
    """Drops what fills whole lines: comments, indentation, empty lines."""
    lines = COMMENT.sub("", text).splitlines()
    return "\n".join(line.strip() for line in lines if line.strip())

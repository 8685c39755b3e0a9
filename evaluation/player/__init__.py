"""The replay player as one self-contained HTML file; the site serves the same modules as files."""

import html
import json
import re
from collections.abc import Mapping
from typing import Any

from evaluation.player.bundle import FOREIGN, GUEST, MODULES, player, policy, source, style
from evaluation.player.foreign import Frame, frame, is_module, is_remote, module_script
from evaluation.player.inert import Element, encode, pack

__all__ = ["GUEST", "MODULES", "Frame", "encode", "frame", "is_remote", "page"]
UNPACK = """
const bytes = Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0));
const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
for (const [tag, attributes, text] of await new Response(stream).json()) {
  const node = Object.assign(document.createElement(tag), { async: false }, attributes);
  node.textContent = text;
  document.head.append(node);
}
"""


def page(
    replay: dict[str, Any], drawing: str, title: str, data: Mapping[str, Any] | None = None
) -> str:
    """An HTML file that plays a replay and asks the network for nothing.

    drawing: an ES module that exports `renderer`; or the forms of kaggle-environments, which play
    in a sandboxed frame: an expression such as `function renderer(context) {…}`, or a whole HTML
    viewer that reads `window.kaggle`; or nothing, for a plain table.
    data: more of the player's data attributes, as `player.js` lists them.
    """
    if is_remote(drawing):
        return _inject(drawing, replay)
    elements, scripts, looks = _drawn(drawing)
    data = {"autoplay": "1", "fill": "", **(data or {})}
    if elements and elements[0][1].get("id") == "frame":
        data["frame"] = "#frame"
    elements = [
        ("style", {}, style()),
        ("script", {"type": "application/json", "id": "replay"}, encode(replay)),
        *elements,
        ("script", {"type": "module"}, player()),
    ]
    loader = f'const packed = "{pack(elements)}";{UNPACK}'
    allowed = policy(
        [source(loader), source(player()), *scripts], _with_play(looks, data.get("play", ""))
    )
    return _document(title, allowed, loader, data)


def _drawn(drawing: str) -> tuple[list[Element], tuple[str, ...], dict[str, str]]:
    """What draws: elements of the page, the scripts to allow, and the policy on the rest."""
    own = {"style-src": source(style()), "img-src": "data: blob:"}
    if not drawing.strip():
        return [], (), own
    if is_module(drawing):
        script = module_script(drawing)
        return [("script", {"type": "module"}, script)], (source(script),), own
    inner = frame(drawing)
    held = ("script", {"type": "application/json", "id": "frame"}, json.dumps(inner.document))
    return [held], inner.scripts, FOREIGN


def _with_play(directives: dict[str, str], play: str) -> dict[str, str]:
    """Lets a page to play on post its actions to the loopback server of its notebook."""
    found = re.match(r"http://127\.0\.0\.1:\d+", play)
    if not found:
        return directives
    return {**directives, "connect-src": f"{directives.get('connect-src', '')} {found[0]}".strip()}


def _document(title: str, allowed: str, loader: str, data: Mapping[str, Any]) -> str:
    name = html.escape(title.encode(errors="replace").decode())
    attributes = "".join(f' data-{key}="{html.escape(str(data[key]))}"' for key in data)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{allowed}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{name}</title>
</head>
<body class="player-page">
<main>
<h1>{name}</h1>
<section class="player" data-replay="#replay" data-title="{name}"{attributes}>
This replay plays in a browser of 2023 or later, with JavaScript; its data stands in this file.
</section>
</main>
<script type="module">{loader}</script>
</body>
</html>
"""


def _inject(document: str, replay: dict[str, Any]) -> str:
    """A viewer that loads its scripts from elsewhere, with the replay where it looks for it."""
    state = encode({"environment": replay, "playing": True, "step": 0, "controls": True})
    head = re.search(r"<head\b[^>]*>", document, re.IGNORECASE)
    at = head.end() if head else 0
    return f"{document[:at]}<script>window.kaggle = {state};</script>{document[at:]}"

"""Drawings from elsewhere, in the forms of kaggle-environments, for a sandboxed frame.

The frame's document holds `guest.js` and the drawing; the player outside posts what to show.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from evaluation.player.bundle import FOREIGN, guest, policy, source, without_comments
from evaluation.player.inert import encode

# Fonts, icons and pictures that stand elsewhere, and what is asked for instead: nothing. The policy
# refuses them in any case; this keeps the browser's console readable.
ELSEWHERE = (
    (re.compile(r"<link\b[^>]*\bhref=(?![\"']?data:)[^>]*>", re.IGNORECASE), ""),
    (re.compile(r"@import\s*(?:url\()?\\?[\"']?https?://[^\"')\s]+\\?[\"']?\)?[^;{}]{0,60};"), ""),
    (re.compile(r"url\(\\?[\"']?(?:https?:/|\.+)?/[^)'\"$\\\s]+\\?[\"']?\)"), "local(none)"),
)
SCRIPT = re.compile(r"<script\b([^>]*)>(.*?)</script\s*>", re.IGNORECASE | re.DOTALL)
STYLE = (
    "html, body { height: 100%; margin: 0; overflow: hidden; background: #1c1d20; color: #fff; "
    "font-family: sans-serif; } #stage { position: absolute; inset: 0; display: flex; "
    "align-items: center; justify-content: center; }"
)


@dataclass(frozen=True)
class Frame:
    """A document that shows the drawing, and the scripts that its policy has to allow."""

    document: str
    scripts: tuple[str, ...]

    @property
    def policy(self) -> str:
        return policy(self.scripts, FOREIGN)


def is_module(drawing: str) -> bool:
    """Whether it is an ES module that exports `renderer`: the form of this engine's own games."""
    return not is_viewer(drawing) and bool(re.search(r"^\s*export\b", drawing, re.MULTILINE))


def is_viewer(drawing: str) -> bool:
    return drawing.lstrip().startswith("<")


def is_remote(drawing: str) -> bool:
    """Whether it is a viewer whose scripts stand on another host."""
    return is_viewer(drawing) and any(
        re.search(r"\bsrc\s*=", attributes, re.IGNORECASE)
        for attributes, _ in SCRIPT.findall(drawing)
    )


def module_script(drawing: str) -> str:
    """The module as a script that leaves its functions in `globalThis.drawing`."""
    optional = ", ".join(
        f'{name}: typeof {name} == "function" ? {name} : undefined'
        for name in ("piece", "describe")
    )
    return f"{without_comments(drawing)}\nglobalThis.drawing = {{ renderer, {optional} }};"


def frame(drawing: str) -> Frame:
    """The frame's document for a drawing function, a module or a whole viewer."""
    return _viewer_frame(drawing) if is_viewer(drawing) else _function_frame(drawing)


def _function_frame(drawing: str) -> Frame:
    type_ = "module" if is_module(drawing) else ""
    script = module_script(drawing) if type_ else _expression(drawing)
    document = _document({"script": script, "type": type_})
    return Frame(document, (source(guest()), source(script)))


def _viewer_frame(viewer: str) -> Frame:
    text = viewer.replace("\r\n", "\n")
    for pattern, nothing in ELSEWHERE:
        text = pattern.sub(nothing, text)
    # Drawing libraries compile shaders and WebAssembly; only scripts of the viewer can do so.
    scripts = (source(guest()), *map(source, _inline(text)), "'unsafe-eval'")
    return Frame(_document({"viewer": text}), scripts)


def _inline(viewer: str) -> Iterator[str]:
    return (text for _, text in SCRIPT.findall(viewer) if text.strip())


def _expression(drawing: str) -> str:
    """Assigned as kaggle-environments does it, so that what works there works here."""
    return f"globalThis.drawing = {{}};\nglobalThis.drawing.renderer = {drawing.strip()}\n;"


def _document(drawing: dict[str, Any]) -> str:
    return f"""<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Drawing</title><style>{STYLE}</style></head>
<body><div id="stage"></div>
<script type="application/json" id="drawing">{encode(drawing)}</script>
<script>{guest()}</script></body>
</html>
"""

"""The player's own browser files as text for one page: modules joined, comments left out."""

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import PurePath
from pkgutil import get_data

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
    "frame.js",
    "interaction.js",
    "stage.js",
    "player.js",
)
# Runs inside the frame of a foreign drawing, so it is no module of the player.
GUEST = "guest.js"
IMPORT = re.compile(r'^import (?:\* as )?(.+) from "\./(\w+)\.js";$', re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:async )?(?:function|const|let|class) (\w+))", re.MULTILINE)
COMMENT = re.compile(r"^\s*(?:/\*(?:(?!\*/).)*\*/|//[^\n]*)\s*$", re.MULTILINE | re.DOTALL)
START = '$player.mount(document.querySelector(".player"), globalThis.drawing);'
# What a drawing from elsewhere may need, none of which reaches the network. Some viewers make their
# buttons as markup with handlers in it: those may run, in a frame that holds nothing to protect.
FOREIGN = {
    "script-src-attr": "'unsafe-inline'",
    "style-src": "'unsafe-inline'",
    "img-src": "data: blob:",
    "font-src": "data: blob:",
    "media-src": "data: blob:",
    "worker-src": "blob:",
    "connect-src": "data: blob:",
}


@cache
def player() -> str:
    """The player's modules as one script, each in a scope of its own."""
    return "\n".join([*map(_scope, MODULES), START])


def _scope(name: str) -> str:
    text = without_comments(_read(name))
    exports = ", ".join(EXPORT.findall(text))
    body = EXPORT.sub("", IMPORT.sub(r"const \1 = $\2;", text))
    return f"const ${PurePath(name).stem} = (() => {{\n{body}\nreturn {{ {exports} }};\n}})();"


@cache
def style() -> str:
    return without_comments(_read("player.css"))


@cache
def guest() -> str:
    return without_comments(_read(GUEST))


def _read(name: str) -> str:
    """A file of this folder, which may lie in a zip archive."""
    return (get_data(str(__package__), name) or b"").decode()


def without_comments(text: str) -> str:
    """Drops what fills whole lines: comments, indentation, empty lines."""
    lines = COMMENT.sub("", text).splitlines()
    return "\n".join(line.strip() for line in lines if line.strip())


def source(text: str) -> str:
    """A script or style as a content security policy names it."""
    digest = hashlib.sha256(text.encode(errors="replace")).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def policy(scripts: Iterable[str], more: Mapping[str, str]) -> str:
    """A content security policy that allows these scripts (as `source` words them) and `more`."""
    directives = {
        "default-src": "'none'",
        "script-src": " ".join(scripts),
        **more,
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in directives.items())

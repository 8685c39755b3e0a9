"""The kernel of a session: one file with the code that CI tested and the order as data.

Nothing of an order is ever formatted into code, and no host name, path or secret of the site is
in it. The session's token is: the site finds its own kernels by that.
"""

import base64
import hashlib
import json
import lzma
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from typing import Any

from training import archive, source
from training.order import Order, Resume

__all__ = ["Kernel", "Order", "Resume", "build"]

COLUMNS = 120  # of a line of the archive: editors choke on one of hundreds of kilobytes
RUN = "code = run(ORDER, ORDER_SHA256, ARCHIVE, ARCHIVE_SHA256)\nif code:\n    sys.exit(code)\n"
ABOUT = (
    "Palaestra, run {run}, session {session}: trains agents, and leaves checkpoints, metrics.jsonl,"
    " result.json and manifest.json in /kaggle/working. Made by the site; ORDER says what is"
    " trained, ARCHIVE holds the code. Neither internet nor secrets are needed."
)


@dataclass(frozen=True)
class Kernel:
    """source: a script or a notebook, UTF-8. sha256: of it. source_hash: of the code in it."""

    source: str
    sha256: str
    source_hash: str


@dataclass(frozen=True)
class Packed:
    text: str
    sha256: str
    source_hash: str


def build(order: Order, is_notebook: bool = False) -> Kernel:
    """Equal orders give equal kernels. The order's source_hash is filled in."""
    packed = _packed()
    about = ABOUT.format(run=int(order.run), session=int(order.session))
    cells = _cells(replace(order, source_hash=packed.source_hash), packed)
    text = _notebook(about, cells) if is_notebook else _script(about, cells)
    return Kernel(text, hashlib.sha256(text.encode()).hexdigest(), packed.source_hash)


@cache
def _packed() -> Packed:
    """Once a process: files that change meanwhile do not change what is sent."""
    files = archive.contents()
    ours = ((name, files[name]) for name in files if name.split("/")[0] in source.OURS)
    texts = {name: content.decode() for name, content in files.items()}
    data = json.dumps(texts, ensure_ascii=False).encode()
    xz = lzma.compress(data, preset=9 | lzma.PRESET_EXTREME)
    text = base64.b85encode(xz).decode()
    lines = (text[place : place + COLUMNS] for place in range(0, len(text), COLUMNS))
    return Packed("\n".join(lines), hashlib.sha256(xz).hexdigest(), source.hash_of(ours))


def _cells(order: Order, packed: Packed) -> list[str]:
    """Code, to be run in turn. Base85 knows neither quotes nor backslashes."""
    told = _data(order.to_json())
    bootstrap = resources.files("kaggle_bridge").joinpath("bootstrap.py").read_text("utf-8")
    order_sha256 = hashlib.sha256(told.encode()).hexdigest()
    return [
        bootstrap,
        f"ORDER = r'''{told}'''\nORDER_SHA256 = \"{order_sha256}\"\n",
        f"ARCHIVE = '''\n{packed.text}\n'''\nARCHIVE_SHA256 = \"{packed.sha256}\"\n",
        RUN,
    ]


def _data(value: Any) -> str:
    """JSON that a raw text between apostrophes can hold: there is none in it, and no end in \\.

    What could end a text or a page stands only within JSON's own texts, where escapes say the same.
    """
    text = json.dumps(value, indent=1, allow_nan=False)
    for character in "'<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _script(about: str, cells: Iterable[str]) -> str:
    comment = "\n".join(f"# {line}" for line in textwrap.wrap(about, 100))
    return "\n\n".join([comment, *cells])


def _notebook(about: str, cells: Iterable[str]) -> str:
    """nbformat 4.4, https://nbformat.readthedocs.io/en/latest/format_description.html."""
    markdown = {"cell_type": "markdown", "metadata": {}, "source": f"# Palaestra\n\n{about}"}
    code: list[dict[str, Any]] = [
        {
            "cell_type": "code",
            "execution_count": None,
            "metadata": {},
            "outputs": [],
            "source": cell.rstrip(),
        }
        for cell in cells
    ]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    book = {"cells": [markdown, *code], "metadata": metadata, "nbformat": 4, "nbformat_minor": 4}
    return json.dumps(book, ensure_ascii=True, indent=1) + "\n"

"""A notebook of a test's own, run in a real kernel."""

import html
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parents[1]


@contextmanager
def executed(*cells: str) -> Iterator[list[list[Any]]]:
    """The outputs of each cell; its kernel lives as long as the block."""
    import nbclient
    import nbformat
    from jupyter_client.kernelspec import NATIVE_KERNEL_NAME  # this very interpreter

    paths = f"import sys; sys.path.insert(0, {str(PROJECT)!r})"
    book = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(cell) for cell in (paths, *cells)]
    )
    client = nbclient.NotebookClient(book, timeout=60, kernel_name=NATIVE_KERNEL_NAME)
    with client.setup_kernel():
        for index, cell in enumerate(book.cells):
            client.execute_cell(cell, index)
        yield [cell.outputs for cell in book.cells[1:]]


def page_in(outputs: list[Any]) -> tuple[str, str]:
    """The page that an output shows in a frame, and the frame's markup."""
    shown = [output.get("data", {}).get("text/html", "") for output in outputs]
    (markup,) = [text for text in shown if "<iframe" in text]
    found = re.search(r'srcdoc="([^"]*)"', markup)
    assert found
    return html.unescape(found[1]), markup

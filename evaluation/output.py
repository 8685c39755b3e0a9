"""Files that actions leave: each is whole at any time, however the process ends."""

import json
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO


@contextmanager
def whole_file(path: str) -> Iterator[TextIO]:
    """A text file that appears under its name once all is written; on an error, never.

    A terminal, a pipe or the like at this name is written to as it is.
    """
    path = os.path.realpath(path)
    if os.path.exists(path) and not stat.S_ISREG(os.stat(path).st_mode):
        with open(path, "w", encoding="utf-8") as file:
            yield file
        return
    folder, name = os.path.split(path)
    handle, beside = tempfile.mkstemp(dir=folder, prefix=f".{name}.")
    try:
        with open(handle, "w", encoding="utf-8") as file:
            yield file
        os.chmod(beside, _mode_of_new_files())
        os.replace(beside, path)
    except BaseException:
        os.unlink(beside)
        raise


def _mode_of_new_files() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def append_log(path: str, entry: Any) -> None:
    """Adds an entry to the JSON list in a file, in the form of kaggle-environments: `[entry]`."""
    text = json.dumps([entry]).encode()
    with open(path, "a+b") as file:
        size = file.seek(0, os.SEEK_END)
        if size:
            file.truncate(size - 1)
        file.write((b",\n " if size else b"[") + text + b"]")

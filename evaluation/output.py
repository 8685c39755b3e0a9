"""Files that actions leave: each is whole at any time, however the process ends."""

import json
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from evaluation.errors import InvalidArgument, NotFound


@contextmanager
def whole_file(path: str) -> Iterator[TextIO]:
    """A text file that appears under its name once all is written; on an error, never.

    A terminal, a pipe or the like at this name is written to as it is.
    """
    path = os.path.realpath(path)
    check_folder(path)
    if os.path.exists(path) and not os.path.isfile(path):
        with open(path, "w", encoding="utf-8") as file:
            yield file
        return
    folder, name = os.path.split(path)
    handle, beside = tempfile.mkstemp(dir=folder, prefix=f".{name}.")
    try:
        with open(handle, "w", encoding="utf-8") as file:
            yield file
        os.chmod(beside, _mode(path))
        os.replace(beside, path)
    except BaseException:
        os.unlink(beside)
        raise


def check_folder(path: str) -> None:
    """Raises NotFound where no file of this name could be."""
    folder = os.path.dirname(os.path.abspath(path))
    if not os.path.isdir(folder):
        raise NotFound(f"There is no folder {folder}.")


def _mode(path: str) -> int:
    """The permissions that the file has, or that a new one gets."""
    if os.path.exists(path):
        return stat.S_IMODE(os.stat(path).st_mode)
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def append_log(path: str, entry: Any) -> None:
    """Adds an entry to the JSON list in a file, in the form of kaggle-environments: `[entry]`."""
    text = json.dumps([entry]).encode() + b"]"
    with open(path, "r+b" if os.path.exists(path) else "w+b") as file:
        if file.seek(0, os.SEEK_END) == 0:
            file.write(b"[" + text)
            return
        file.seek(-1, os.SEEK_END)
        if file.read() != b"]":
            raise InvalidArgument(f"{path} holds no log to add to.")
        file.seek(-1, os.SEEK_END)
        file.write(b",\n " + text)

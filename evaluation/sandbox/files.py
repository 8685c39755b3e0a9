"""Reads an agent's files, which cross into the box as bytes: it sees no folder of this machine."""

import os
from pathlib import Path

from evaluation.archive import MAX_BYTES, MAX_MEMBERS
from evaluation.sandbox.errors import BoxFailed

MAIN = "main.py"


def read_bundle(source: Path) -> list[tuple[str, bytes]]:
    """(name, content) of a .py file, as main.py, or of all regular files of a folder.

    Raises BoxFailed where main.py is missing, or where it is more than an upload may hold.
    """
    try:
        files = _folder(source) if source.is_dir() else [(MAIN, source.read_bytes())]
    except OSError as error:
        raise BoxFailed(
            f"The agent's files are missing or not readable: {error.strerror}."
        ) from error
    if MAIN not in dict(files):
        raise BoxFailed("The agent has no main.py.")
    return files


def _folder(folder: Path) -> list[tuple[str, bytes]]:
    files: list[tuple[str, bytes]] = []
    left = MAX_BYTES
    for above, _, names in os.walk(folder):
        for name in names:
            path = Path(above, name)
            if path.is_symlink() or not path.is_file():
                continue
            files.append((path.relative_to(folder).as_posix(), path.read_bytes()))
            left -= len(files[-1][1])
            if left < 0 or len(files) > MAX_MEMBERS:
                size = f"{MAX_MEMBERS} files or {MAX_BYTES // 1_000_000} MB"
                raise BoxFailed(f"The agent's folder holds more than {size}.")
    return files

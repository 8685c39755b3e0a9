"""The files of a run's folder: names of checkpoints, atomic replacement, which ones are kept.

`step_{N}.safetensors` are saved at intervals, `emergency_step_{N}.safetensors` on a signal or a
deadline; `latest` is a text file with the name of the last one saved. It is for people and for the
web side: resuming looks at the checkpoints themselves.
"""

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

LATEST = "latest"
_NAME = re.compile(r"(emergency_)?step_(0|[1-9][0-9]{0,17})\.safetensors")


def regular(folder: Path, step: int) -> Path:
    return folder / f"step_{step}.safetensors"


def emergency(folder: Path, step: int) -> Path:
    return folder / f"emergency_step_{step}.safetensors"


def candidates(folder: Path) -> list[Path]:
    """Every checkpoint, the newest step first, of one step the regular one first."""
    found = folder.glob("*step_*.safetensors")
    files = [path for path in found if _NAME.fullmatch(path.name) and path.is_file()]
    return sorted(files, key=lambda path: (-step_of(path), is_emergency(path)))


def step_of(path: Path) -> int:
    """By the name, which must be a checkpoint's."""
    match = _NAME.fullmatch(path.name)
    assert match
    return int(match[2])


def is_emergency(path: Path) -> bool:
    return path.name.startswith("emergency_")


def named_latest(folder: Path) -> str:
    """What `latest` says, whether such a file exists or not; empty where nothing is said."""
    try:
        return (folder / LATEST).read_bytes()[:256].decode(errors="replace").strip()
    except OSError:
        return ""


def rotate(folder: Path, keep: int = 5) -> None:
    """Deletes regular checkpoints beyond the newest `keep`, and emergency ones superseded.

    An emergency checkpoint is superseded by a regular one of the same step or a later one; it
    counts among no `keep`. What `latest` names stays. Raises OSError where the disk refuses.
    """
    found = candidates(folder)
    regulars = [path for path in found if not is_emergency(path)]
    superseded = [
        path
        for path in found
        if is_emergency(path) and regulars and step_of(path) <= step_of(regulars[0])
    ]
    for path in regulars[keep:] + superseded:
        if path.name != named_latest(folder):
            path.unlink(missing_ok=True)


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file that takes the place of path when the block ends well, and leaves nothing if not.

    The disk has it when this returns: the bytes, then the name.
    """
    temporary = _temporary(path)
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync(path.parent)


def name_latest(path: Path) -> None:
    """As well as it can be done, and not forced to the disk: nothing depends on it."""
    temporary = _temporary(path.with_name(LATEST))
    with contextlib.suppress(OSError):
        temporary.write_text(f"{path.name}\n")
        temporary.replace(path.with_name(LATEST))


def clean(folder: Path) -> None:
    """Removes what a killed process left half written."""
    for path in folder.glob(".*.tmp"):
        name = path.name[1 : -len(".tmp")]
        if name == LATEST or _NAME.fullmatch(name):
            path.unlink(missing_ok=True)


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name}.tmp")


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

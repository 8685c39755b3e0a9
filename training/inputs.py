"""What a session was given beside its order, and the checkpoint that it goes on from.

A dataset lies in `input/SLUG/` or in `input/datasets/OWNER/SLUG/`, by the service's version, so a
checkpoint is found by the marker that lies beside it, wherever that is.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from training import folder, manifest
from training.errors import Refused
from training.manifest import Manifest, ManifestError
from training.order import Order, Resume

MARKER = "palaestra-resume.json"
MARKER_BYTES = 1 << 16
LISTED = 50  # files that are told of


def listing(root: Path) -> list[str]:
    """Relative paths of what there is, the first of them."""
    found = sorted(str(path.relative_to(root)) for path in _walk(root))
    left = len(found) - LISTED
    return found[:LISTED] + ([f"… and {left} more"] if left > 0 else [])


def fetch(order: Order, resume: Resume, root: Path, into: Path) -> Manifest:
    """Copies the checkpoint to go on from into a run's folder; what it says of itself.

    Raises Refused where it is absent, of another run or step, or not the very file.
    """
    file = _find(order, resume, root)
    try:
        found = manifest.read(file)
        if found.step != resume.step:
            raise Refused(f"{file.name} is of step {found.step:,}, not of {resume.step:,}.")
        _copy(file, into, found, resume)
    except ManifestError as error:
        raise Refused(f"{error}.") from None
    except OSError as error:
        raise Refused(f"{file.name} cannot be read: {error.strerror}.") from None
    return found


def _find(order: Order, resume: Resume, root: Path) -> Path:
    wanted = {"run": order.run, "step": resume.step, "sha256": resume.sha256}
    others = []
    for path in _walk(root):
        if path.name != MARKER:
            continue
        marker = _marker(path)
        if marker.items() >= wanted.items() and path.with_name(marker["file"]).is_file():
            return path.with_name(marker["file"])
        others.append(f"run {marker.get('run')}, step {marker.get('step')}")
    there = ", ".join(listing(root)) or "nothing"
    told = f" (marked as {'; '.join(others)})" if others else ""
    raise Refused(
        f"The checkpoint of run {order.run}, step {resume.step} is not among the inputs; "
        f"{root} holds {there}{told}."
    )


def _copy(file: Path, into: Path, found: Manifest, resume: Resume) -> None:
    is_regular = found.trackers.get("saved") == resume.step
    target = (folder.regular if is_regular else folder.emergency)(into, resume.step)
    size_bytes, sha256 = copy(file, target)
    if sha256 != resume.sha256:
        target.unlink()
        raise Refused(
            f"{file.name} ({size_bytes:,} bytes) has the sha256 {sha256}, not {resume.sha256}."
        )


def copy(source: Path, target: Path) -> tuple[int, str]:
    """Bytes and sha256 of what has been written; target appears as a whole. Raises OSError."""
    digest, size_bytes = hashlib.sha256(), 0
    with source.open("rb") as read, folder.replacing(target) as write:
        while chunk := read.read(1 << 20):
            digest.update(chunk)
            size_bytes += write.write(chunk)
    return size_bytes, digest.hexdigest()


def _marker(path: Path) -> dict[str, Any]:
    """Empty where it is none."""
    try:
        with path.open("rb") as file:
            marker = json.loads(file.read(MARKER_BYTES))
        name = marker["file"]
        is_name = isinstance(name, str) and name not in ("", ".", "..") and Path(name).name == name
    except (OSError, KeyError, TypeError, ValueError, RecursionError):
        return {}
    return marker if is_name else {}


def _walk(root: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(root):
        folders.sort()
        yield from (Path(place) / name for name in sorted(names))

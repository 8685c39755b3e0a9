"""The disk: what replays and logs may take, and a reserve below which nothing more is played."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

WAITS = "Waits: the disk is nearly full. Nothing is lost; the organiser knows."
KINDS = {"replays": "REPLAY_BUDGET_GB", "logs": "LOG_BUDGET_GB"}


def free_bytes() -> int:
    return shutil.disk_usage(settings.DATA_DIR).free


def is_nearly_full() -> bool:
    return free_bytes() < settings.DISK_RESERVE_MB * 2**20


def problem() -> str:
    """What the organiser has to know; empty while there is room."""
    if not is_nearly_full():
        return ""
    return (
        f"Only {free_bytes() // 2**20} MB are free where the league keeps its data; below "
        f"{settings.DISK_RESERVE_MB} MB no match is sent out and no upload taken. Make room, or "
        "lower REPLAY_BUDGET_GB and LOG_BUDGET_GB, which are kept to within minutes."
    )


def budget_bytes(kind: str) -> int:
    """0 for no limit."""
    return int(getattr(settings, KINDS[kind]) * 2**30)


def prune() -> int:
    """Deletes replays and logs over their budget, the oldest first; results are rows and stay."""
    return sum(_prune(kind, budget_bytes(kind)) for kind in KINDS)


def used_bytes(kind: str) -> int:
    return sum(size for _, size in _files(kind))


def _prune(kind: str, budget: int) -> int:
    if not budget:
        return 0
    files = sorted(_files(kind), key=lambda file: int(file[0].name.split(".")[0]))
    over = sum(size for _, size in files) - budget
    deleted = 0
    for path, size in files:
        if over <= 0:
            break
        path.unlink(missing_ok=True)
        over, deleted = over - size, deleted + 1
    return deleted


def _files(kind: str) -> Iterator[tuple[Path, int]]:
    """Files of episodes with their sizes; the name says how old an episode is."""
    root = Path(settings.DATA_DIR) / "episodes" / kind
    for folder, _, names in os.walk(root):
        for name in (name for name in names if name[0].isdecimal()):
            path = Path(folder, name)
            try:
                yield path, path.stat().st_size
            except FileNotFoundError:  # deleted meanwhile
                continue

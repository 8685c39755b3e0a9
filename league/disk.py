"""The disk: what replays and logs may take, and a reserve below which nothing more is played.

Files of episodes lie in folders of a thousand (league.storage). Folders are what is measured, kept
and deleted: there may be millions of files, and the worker that looks has results to record.
"""

import os
import shutil
import time
from pathlib import Path

from django.conf import settings
from django.core.cache import cache

WAITS = "Waits: the disk is nearly full. Nothing is lost; the organiser knows."
KINDS = {"replays": "REPLAY_BUDGET_GB", "logs": "LOG_BUDGET_GB"}
INODES_RESERVED = 10_000
LOOK_S = 10.0  # at most in one go; the next one goes on where it ended
BLOCK_BYTES = 512  # the unit of st_blocks

Sizes = dict[str, tuple[int, int]]  # (time of the last change in ns, bytes on the disk) by folder


def free_bytes() -> int:
    return shutil.disk_usage(settings.DATA_DIR).free


def is_nearly_full() -> bool:
    found = os.statvfs(settings.DATA_DIR)
    has_inodes = not found.f_files or found.f_favail > INODES_RESERVED  # some count none
    return not has_inodes or free_bytes() < settings.DISK_RESERVE_MB * 2**20


def problem() -> str:
    """What the organiser has to know; empty while there is room."""
    if not is_nearly_full():
        return ""
    return (
        f"Only {free_bytes() // 2**20} MB are free where the league keeps its data, or hardly any "
        f"more files can be made; below {settings.DISK_RESERVE_MB} MB no match is sent out and no "
        "upload taken. Make room, or lower REPLAY_BUDGET_GB and LOG_BUDGET_GB, which are kept to "
        "within minutes."
    )


def budget_bytes(kind: str) -> int:
    """0 for no limit."""
    return int(getattr(settings, KINDS[kind]) * 2**30)


def used_bytes(kind: str) -> int | None:
    """As it was when somebody looked last, some minutes ago; None before that."""
    sizes = cache.get(_key(kind))
    return None if sizes is None else sum(size for _, size in sizes.values())


def prune() -> int:
    """Deletes folders of replays and logs over their budget, the oldest first; results are rows
    and stay. How many were deleted."""
    return sum(_prune(kind) for kind in KINDS)


def _prune(kind: str) -> int:
    sizes, deleted = _look(kind), 0
    over = sum(size for _, size in sizes.values()) - budget_bytes(kind)
    for folder in sorted(sizes)[:-1]:  # the newest one is being written
        if over <= 0 or not budget_bytes(kind):
            break
        shutil.rmtree(_root(kind) / folder, ignore_errors=True)
        over, deleted = over - sizes.pop(folder)[1], deleted + 1
    cache.set(_key(kind), sizes, timeout=None)
    return deleted


def _look(kind: str) -> Sizes:
    """The folders with their sizes; one that has not changed is not looked into again."""
    known: Sizes = {name: (at, size) for name, (at, size) in (cache.get(_key(kind)) or {}).items()}
    sizes, until = {}, time.monotonic() + LOOK_S
    for name, changed in _folders(kind):
        if name in known and (known[name][0] == changed or time.monotonic() > until):
            sizes[name] = known[name]
        elif time.monotonic() <= until:
            sizes[name] = (changed, _size(_root(kind) / name))
    return sizes


def _folders(kind: str) -> list[tuple[str, int]]:
    if not _root(kind).is_dir():
        return []
    with os.scandir(_root(kind)) as entries:
        return sorted((entry.name, entry.stat().st_mtime_ns) for entry in entries if entry.is_dir())


def _size(folder: Path) -> int:
    """What its files take on the disk, in whole blocks."""
    try:
        with os.scandir(folder) as entries:
            return sum(entry.stat().st_blocks * BLOCK_BYTES for entry in entries)
    except FileNotFoundError:  # a file that was being written
        return 0


def _root(kind: str) -> Path:
    return Path(settings.DATA_DIR) / "episodes" / kind


def _key(kind: str) -> str:
    return f"disk-{kind}"

"""Removes from the spool what nobody needs any more."""

from contextlib import suppress
from pathlib import Path

from kaggle_bridge.local.spool import (
    ENDED,
    GONE,
    NEW,
    Spool,
    Unreadable,
    Version,
    folders,
    numbers,
    remove,
)

KEPT_S = 86400.0


def prune(spool: Spool, now: float) -> int:
    """Removes what ended more than a day ago; the newest version of each stays. Returns how many.

    A dataset stays as long as a version that has not ended names it.
    """
    wanted = {name for version in spool.versions() for name in inputs(version)}
    old = [path for path in outdated(spool.kernels, now) if has_ended(Version(path))]
    old += [
        path
        for path in outdated(spool.datasets, now)
        if f"{path.parent.name}/{path.name}" not in wanted
    ]
    for path in old:
        with suppress(FileNotFoundError):  # somebody else prunes, too
            # Renamed first, or a version half removed could be looked at.
            path.rename(path.with_name(f"{GONE}{path.name}"))
    for path in [*leftovers(spool.kernels, now), *leftovers(spool.datasets, now)]:
        remove(path)
    return len(old)


def outdated(kind: Path, now: float) -> list[Path]:
    """All versions but the newest of each, untouched for a day."""
    paths = [parent / str(n) for parent in folders(kind) for n in numbers(parent)[:-1]]
    return [path for path in paths if is_old(path, now)]


def leftovers(kind: Path, now: float) -> list[Path]:
    """What a killed process left half filled or half removed."""
    found = [path for parent in folders(kind) for path in parent.iterdir()]
    return [
        path
        for path in found
        if path.name.startswith(GONE) or (path.name.startswith(NEW) and is_old(path, now))
    ]


def is_old(path: Path, now: float) -> bool:
    try:
        return now - path.stat().st_mtime > KEPT_S
    except FileNotFoundError:
        return False


def has_ended(version: Version) -> bool:
    try:
        return version.state().stage in ENDED
    except (Unreadable, FileNotFoundError):
        return False


def inputs(version: Version) -> tuple[str, ...]:
    try:
        return () if has_ended(version) else version.job().inputs
    except (Unreadable, OSError):
        return ()

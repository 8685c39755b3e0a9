"""Keeps a warm zygote for each view in this process, and replaces it before it grows old.

A new one is attacked by the probe before the first agent is cloned from it.
"""

import logging
import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from evaluation.sandbox.errors import BoxFailed
from evaluation.sandbox.nursery import Level, Nursery
from evaluation.sandbox.probe import Probe, attacked, find, is_enough, start

logger = logging.getLogger(__name__)

RECYCLE_AFTER_LAUNCHES = 500
RECYCLE_AFTER_S = 600.0


@dataclass(frozen=True)
class Wanted:
    """What boxes are made of. minimum: the weakest level that will do.

    hidden: folders that no agent may see; preload: what the zygote imports for all of them.
    """

    agent_python: Path
    hidden: tuple[Path, ...]
    preload: tuple[str, ...] = ("numpy", "numpy.random")
    environment: tuple[tuple[str, str], ...] = ()
    minimum: str = "A"


@dataclass
class Kept:
    current: Nursery
    probe: Probe
    successor: Nursery | None = None


_kept: dict[Wanted, Kept] = {}
_lock = threading.Lock()


def lend(wanted: Wanted) -> Nursery:
    """A warm zygote that holds. Raises BoxFailed with the reason where there is none."""
    with _lock:
        kept = _kept.get(wanted)
        if kept and kept.current.is_broken:
            _drop(_kept.pop(wanted))
            kept = None
        if kept is None:
            kept = _kept[wanted] = _find(wanted)
        elif _is_old(kept.current):
            _recycle(wanted, kept)
        return kept.current


def _find(wanted: Wanted) -> Kept:
    nursery, found = find(
        wanted.agent_python, wanted.hidden, wanted.preload, dict(wanted.environment)
    )
    if nursery is None or not is_enough(found.level, wanted.minimum):
        if nursery:
            nursery.close()
        raise BoxFailed(found.reason, found.remedy)
    return Kept(nursery, found)


def _is_old(nursery: Nursery) -> bool:
    age_s = time.monotonic() - nursery.started
    return nursery.launches >= RECYCLE_AFTER_LAUNCHES or age_s >= RECYCLE_AFTER_S


def _recycle(wanted: Wanted, kept: Kept) -> None:
    """The successor warms up beside the old one, which serves until it has been attacked.

    Where one cannot be made, because the machine is busy, the old one serves on.
    """
    try:
        if kept.successor is None:
            kept.successor = _start(wanted, kept.current.level)
            return
        if not kept.successor.poll():
            return
        found = attacked(kept.successor, wanted.hidden)
    except BoxFailed as error:
        logger.warning("no new zygote: %s", error)
        _close(kept.successor)
        kept.successor = None
        return
    if not is_enough(found.level, wanted.minimum):
        _drop(_kept.pop(wanted))
        raise BoxFailed(found.reason, found.remedy)
    kept.current.retire()
    kept.current, kept.probe, kept.successor = kept.successor, found, None


def _start(wanted: Wanted, level: Level) -> Nursery:
    environment = dict(wanted.environment)
    return start(level, wanted.agent_python, wanted.hidden, wanted.preload, environment)


def _drop(kept: Kept) -> None:
    kept.current.retire()
    _close(kept.successor)


def _close(nursery: Nursery | None) -> None:
    if nursery:
        nursery.close()


def close() -> None:
    """Ends every zygote of this process that no box plays from."""
    with _lock:
        for kept in _kept.values():
            _drop(kept)
        _kept.clear()


def _forget() -> None:
    """In a forked process: its parent's zygotes are not its own."""
    global _lock
    _lock = threading.Lock()
    for kept in _kept.values():
        for nursery in filter(None, (kept.current, kept.successor)):
            nursery.abandon()
    _kept.clear()


os.register_at_fork(after_in_child=_forget)

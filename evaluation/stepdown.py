"""A worker that root starts gives root up: an unused uid, and a view with only what it works on.

Of DATA_DIR it keeps the uploads, which it reads, the agents and packages that it unpacks, the key
that it signs with and the broker's socket; no database, no secret key, no password.
"""

import ctypes
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from evaluation.sandbox.uids import UNUSED, Uid
from evaluation.sandbox.view import PROJECT
from evaluation.signing import KEY_FILE

CLONE_NEWNS = 0x20000
MS_RDONLY, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 1, 32, 4096, 16384, 1 << 18
PR_SET_PDEATHSIG, PR_GET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 2, 38
OWNED = ("agents", "packages")
UPLOADS = "uploads"
OTHERS_SEARCH, OTHERS_WRITE = 0o001, 0o002
PRIVATE = "palaestra-"  # how the folder of a socket is named that does not fit into DATA_DIR

_libc = ctypes.CDLL(None, use_errno=True)
_claim: Uid | None = None  # held, so that no box of another process gets the same


class CannotStepDown(Exception):
    """Why this worker must go on as root, in one sentence."""


def step_down(data_dir: Path, redis_url: str) -> None:
    """Becomes the uid that unpacked agents belong to; before any thread is started.

    Raises CannotStepDown where mounts are forbidden; nothing has changed then but owners.
    """
    owner = data_dir.stat()
    socket = _broker(data_dir, redis_url)
    if owner.st_uid == 0:
        uid = gid = _uid_of(data_dir)
        _hand_over(data_dir, socket, uid)
    else:  # an ordinary user's league is played as that user
        uid, gid = owner.st_uid, owner.st_gid
    _own_mounts()
    _narrow(data_dir, socket)
    death_signal = ctypes.c_int()
    _libc.prctl(PR_GET_PDEATHSIG, ctypes.byref(death_signal), 0, 0, 0)
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    _libc.prctl(PR_SET_PDEATHSIG, death_signal.value, 0, 0, 0)  # a new uid forgets it
    _libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    os.chdir(PROJECT)


def _uid_of(data_dir: Path) -> int:
    """The same one at each start, so that it may write where it wrote before."""
    agents = data_dir / OWNED[0]
    agents.mkdir(parents=True, exist_ok=True)
    owner = agents.stat().st_uid
    if owner in UNUSED:
        return owner
    global _claim
    _claim = Uid()
    return _claim.number


def _broker(data_dir: Path, redis_url: str) -> Path | None:
    """What leads to the private Redis: the folder of its socket, where it has one of its own.

    A Redis that is not ours must let everybody connect, or this worker cannot.
    """
    parts = urlsplit(redis_url)
    if parts.scheme != "unix":
        return None
    socket = Path(parts.path)
    if socket.parent == data_dir:
        return socket
    if socket.is_relative_to(data_dir) or socket.parent.name.startswith(PRIVATE):
        return socket.parent
    if _closed_above(socket) or not socket.stat().st_mode & OTHERS_WRITE:
        raise CannotStepDown(f"The evaluation worker stays root: only root may use {socket}.")
    return None


def _hand_over(data_dir: Path, socket: Path | None, uid: int) -> None:
    for name in OWNED:
        folder = data_dir / name
        folder.mkdir(exist_ok=True)
        for path in (folder, *folder.iterdir()):
            os.chown(path, uid, uid, follow_symlinks=False)
    uploads = data_dir / UPLOADS
    uploads.mkdir(exist_ok=True)
    for path in (uploads, *uploads.rglob("*")):  # of a league that was started before
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() else 0o644)
    key = data_dir / KEY_FILE
    if key.exists():
        os.chown(key, -1, uid)
        key.chmod(0o640)
    if socket and socket.is_dir():
        os.chown(socket, -1, uid)
        socket.chmod(0o2750)  # a socket made anew is the group's as well
    for path in _sockets(socket):
        os.chown(path, -1, uid)
        path.chmod(0o770)


def _sockets(place: Path | None) -> list[Path]:
    found = place.iterdir() if place and place.is_dir() else filter(None, [place])
    return [path for path in found if path.is_socket()]


def _own_mounts() -> None:
    if _libc.unshare(CLONE_NEWNS) != 0:
        reason = os.strerror(ctypes.get_errno())
        raise CannotStepDown(f"The evaluation worker stays root: mounts are forbidden ({reason}).")
    _mount(None, "/", MS_REC | MS_PRIVATE)


def _narrow(data_dir: Path, socket: Path | None) -> None:
    """Covers what an ordinary user could not pass, then DATA_DIR, and shows what is needed."""
    code = dict.fromkeys(Path(path) for path in (PROJECT, sys.prefix, sys.base_prefix))
    work = [data_dir / name for name in (UPLOADS, *OWNED, KEY_FILE)] + ([socket] if socket else [])
    code_open, work_open = _opened(list(code)), _opened(work)
    closed = {above for path in (*code, data_dir, *work) if (above := _closed_above(path))}
    for folder in sorted(closed - {data_dir}):
        _cover(folder)
    _show({path: fd for path, fd in code_open.items() if _is_below(path, closed)}, code)
    data_dir.mkdir(parents=True, exist_ok=True)
    _cover(data_dir)
    _show(work_open, {work[0]: None})
    for descriptor in (*code_open.values(), *work_open.values()):
        os.close(descriptor)


def _opened(paths: Sequence[Path]) -> dict[Path, int]:
    """Held open, since a cover hides them."""
    return {path: os.open(path, os.O_PATH | os.O_CLOEXEC) for path in paths if path.exists()}


def _closed_above(path: Path) -> Path | None:
    """The highest folder on the way that not everybody may pass."""
    for folder in reversed(path.parents):
        if not folder.stat().st_mode & OTHERS_SEARCH:
            return folder
    return None


def _is_below(path: Path, folders: set[Path]) -> bool:
    return any(path.is_relative_to(folder) for folder in folders)


def _cover(folder: Path) -> None:
    if _libc.mount(b"tmpfs", os.fsencode(folder), b"tmpfs", 0, b"mode=755,size=64k") != 0:
        raise _failed(folder)


def _show(targets: dict[Path, int], read_only: dict[Path, None]) -> None:
    for path, descriptor in targets.items():
        if os.path.isdir(f"/proc/self/fd/{descriptor}"):
            path.mkdir(parents=True, exist_ok=True)
        else:
            path.touch()
        _mount(f"/proc/self/fd/{descriptor}", path, MS_BIND)
        if path in read_only:
            _mount(None, path, MS_BIND | MS_REMOUNT | MS_RDONLY)


def _mount(source: str | None, target: Path | str, flags: int) -> None:
    origin = source.encode() if source else None
    if _libc.mount(origin, os.fsencode(target), None, ctypes.c_ulong(flags), None) != 0:
        raise _failed(target)


def _failed(target: Path | str) -> OSError:
    code = ctypes.get_errno()
    return OSError(code, f"cannot mount {target}: {os.strerror(code)}")

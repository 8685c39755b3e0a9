"""What must hold before anything starts: the data folder is ours, alone, and the port is free."""

import errno
import fcntl
import os
import socket
import time
from contextlib import suppress
from pathlib import Path

from league.run import paths
from league.run.errors import StartError

README = """\
This folder is a Palaestra league: its database, uploads, replays, queue and secrets.
Keep it to yourself, and keep copies: manage.py backup FILE, manage.py restore FILE.
"""
MARKS = ("README.txt", "secret-key", "league.sqlite3", "admin-password")
ENDING_S = 30.0


def prepare_data_dir(data_dir: Path) -> None:
    """Makes the folder; refuses one that holds something else, such as a home folder."""
    try:
        held = [path.name for path in data_dir.iterdir() if path.name != "lost+found"]
    except FileNotFoundError:
        held = []
    except OSError as error:
        raise StartError(f"DATA_DIR {data_dir} cannot be used: {error.strerror}.") from None
    if held and not set(held) & set(MARKS):
        raise StartError(f"DATA_DIR {data_dir} holds something else: name an empty or new folder.")
    try:
        for folder in (data_dir, paths.run_dir(data_dir), paths.log_dir(data_dir)):
            paths.make_private(folder)
        (data_dir / "README.txt").write_text(README, encoding="utf-8")
    except OSError as error:
        raise StartError(f"DATA_DIR {data_dir} cannot be used: {error.strerror}.") from None


def lock(data_dir: Path) -> int:
    """Held as long as the league runs; returns the descriptor that holds it.

    supervisord holds it too, so that a start waits until a killed league has ended its processes.
    """
    path = paths.run_dir(data_dir) / "lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + ENDING_S
    while not is_locked_by(descriptor):
        holder = os.pread(descriptor, 20, 0).decode().strip()
        if Path(f"/proc/{holder or 'none'}").exists() or time.monotonic() > deadline:
            raise StartError(
                f"A league runs on {paths.shown(data_dir)} already (process {holder}): "
                "stop it first, or set DATA_DIR and PORT for a second one."
            )
        time.sleep(0.1)
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor


def is_locked_by(descriptor: int) -> bool:
    with suppress(BlockingIOError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def is_running(data_dir: Path) -> bool:
    """Whether a league runs on this folder now."""
    try:
        descriptor = os.open(paths.run_dir(data_dir) / "lock", os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        return not is_locked_by(descriptor)
    finally:
        os.close(descriptor)


def check_port(host: str, port: int) -> None:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
            raise StartError(f"HOST {host!r} is not an address of this machine.") from None
        raise StartError(
            f"Port {port} on {host} cannot be used ({error.strerror}): "
            "stop what holds it, or set PORT to a free one."
        ) from None


def end_stale_redis(data_dir: Path) -> None:
    """A Redis that outlived a killed league still writes the append-only file: ends it."""
    path = paths.socket_path(data_dir)
    paths.make_private(path.parent)
    deadline = time.monotonic() + ENDING_S
    while ask_to_end(path):
        if time.monotonic() > deadline:
            raise StartError(f"An earlier Redis still holds {path}: end it and start again.")
        time.sleep(0.1)
    path.unlink(missing_ok=True)


def ask_to_end(path: Path) -> bool:
    """Whether a Redis was there to ask."""
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(str(path))
            connection.sendall(b"SHUTDOWN\r\n")
        except OSError:
            return False
    return True

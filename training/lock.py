"""One process a folder: a lock that the system takes back when its holder dies."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from training.errors import Refused

NAME = "run.lock"
FLAGS = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Makes the folder where it is missing; raises Refused while another process trains in it.

    A folder that was made here goes again when the run is refused and has left nothing in it.
    """
    is_new = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / NAME, FLAGS, 0o666)
    except OSError as error:
        raise Refused(
            f"{folder} cannot be written to ({error.strerror}): give a folder that can."
        ) from None
    try:
        _lock(descriptor, folder)
        yield
    except Refused:
        if is_new and os.listdir(folder) == [NAME]:
            (folder / NAME).unlink()
            folder.rmdir()
        raise
    finally:
        os.close(descriptor)


def _lock(descriptor: int, folder: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(descriptor, 20, 0).decode(errors="replace").strip()
        raise Refused(f"Another process (id {holder}) is training in {folder}.") from None
    with contextlib.suppress(OSError):  # the number is for people; a full disk has no room for it
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)

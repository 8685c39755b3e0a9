"""The files of checkpoints in DATA_DIR/checkpoints, each under the SHA-256 of its bytes."""

import hashlib
import os
import re
import tempfile
from pathlib import Path
from typing import BinaryIO

from django.conf import settings

CHUNK_BYTES = 1 << 20
_SHA256 = re.compile(r"[0-9a-f]{64}")


class Changed(Exception):
    """The bytes are not those that were asked for."""


def path(sha256: str) -> Path:
    """Where such a file lies, or would. ValueError for what is no SHA-256 in hex."""
    if not _SHA256.fullmatch(sha256):
        raise ValueError(f"{sha256[:80]!r} is no SHA-256")
    folder = Path(settings.DATA_DIR) / "checkpoints"
    return folder / sha256[:2] / f"{sha256}.safetensors"


def keep(source: Path, sha256: str) -> Path:
    """Copies a file in unless it is there, verified on its way; whole or not at all.

    Raises Changed, or OSError where the disk refuses.
    """
    target = path(sha256)
    if target.is_file():
        return target
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(descriptor, "wb") as copy, source.open("rb") as file:
            if _copied(file, copy) != sha256:
                raise Changed(f"{source.name} has changed since it was looked at.")
            copy.flush()
            os.fsync(copy.fileno())
        os.replace(temporary, target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return target


def _copied(file: BinaryIO, copy: BinaryIO) -> str:
    """The SHA-256 of what was copied."""
    state = hashlib.sha256()
    while chunk := file.read(CHUNK_BYTES):
        state.update(chunk)
        copy.write(chunk)
    return state.hexdigest()

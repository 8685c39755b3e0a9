"""Uploads for tests: archives with whatever entries, and what a box says of them."""

import io
import tarfile
import zipfile
from pathlib import Path

from evaluation.sandbox import wire

AGENT = b"def agent(obs):\n    return 1\n"


def upload(folder: Path, content: bytes) -> Path:
    path = folder / "upload"
    path.write_bytes(content)
    return path


def zipped(*entries: tuple[str, bytes], mode: int = 0o100644) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in entries:
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            file.writestr(info, content)
    return buffer.getvalue()


def tarred(*entries: tuple[str, bytes], kind: bytes = tarfile.REGTYPE, **fields) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as file:
        for name, content in entries:
            info = tarfile.TarInfo(name)
            special = name != "main.py" and kind != tarfile.REGTYPE
            info.type = kind if special else tarfile.REGTYPE
            info.size = 0 if special else len(content)
            for field, value in fields.items() if special else ():
                setattr(info, field, value)
            file.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def framed(header: dict, content: bytes = b"") -> bytes:
    """A part of the stream that a box answers with."""
    return wire.frame(header) + content

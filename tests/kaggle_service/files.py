"""Files behind signed addresses: plain GET without credentials, with Range and If-Range."""

import hashlib
import secrets
from email.utils import formatdate
from pathlib import Path
from urllib.parse import quote

from tests.kaggle_service.answers import Answer, Request, error_answer

HOST = "http://storage.localhost"


class Files:
    def __init__(self) -> None:
        self._paths: dict[str, Path] = {}

    def sign(self, path: Path, name: str) -> str:
        token = secrets.token_urlsafe(16)
        self._paths[token] = path
        return f"{HOST}/file/{token}/{quote(name)}"

    def get(self, request: Request) -> Answer:
        path = self._paths.get(request.path.split("/")[2])
        if path is None or not path.is_file():
            return error_answer(404, "Not found")
        content = path.read_bytes()
        headers = {
            "Content-Type": "application/octet-stream",
            "Accept-Ranges": "bytes",
            "ETag": f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"',
            "Last-Modified": formatdate(path.stat().st_mtime, usegmt=True),
        }
        start = _start(request.headers, headers)
        if start is None:
            return Answer(200, content, headers)
        return _part(content, start, headers)


def _start(asked: dict[str, str], told: dict[str, str]) -> int | None:
    """Of `bytes=N-`; None for the whole, also where it is no longer the same file."""
    value = asked.get("range", "")
    if not value.startswith("bytes=") or not value.endswith("-"):
        return None
    if asked.get("if-range", told["ETag"]) not in (told["ETag"], told["Last-Modified"]):
        return None
    return int(value.removeprefix("bytes=")[:-1])


def _part(content: bytes, start: int, headers: dict[str, str]) -> Answer:
    size = len(content)
    if start >= size:
        return Answer(416, b"", headers | {"Content-Range": f"bytes */{size}"})
    span = {"Content-Range": f"bytes {start}-{size - 1}/{size}"}
    return Answer(206, content[start:], headers | span)

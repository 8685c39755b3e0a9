"""Uploads: a token and an address, then a PUT that can be resumed in Google's style."""

import re
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from tests.kaggle_service.answers import Answer, Request, error_answer, json_answer
from tests.kaggle_service.errors import ApiError
from tests.kaggle_service.files import HOST


@dataclass
class Blob:
    """size: as announced. It is complete once that much has come."""

    name: str
    size: int
    owner: str
    content: bytes = b""
    is_complete: bool = False


@dataclass
class Blobs:
    by_address: dict[str, Blob] = field(default_factory=dict)
    by_token: dict[str, Blob] = field(default_factory=dict)

    def start(self, request: Request) -> Answer:
        sent = request.json
        blob = Blob(sent.get("name", ""), sent.get("contentLength", 0), request.caller.name)
        if not blob.name or Path(blob.name).name != blob.name:
            raise ApiError(400, "Invalid file name")
        token, address = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
        self.by_token[token] = blob
        self.by_address[address] = blob
        return json_answer({"token": token, "createUrl": f"{HOST}/blob/{address}"})

    def put(self, request: Request) -> Answer:
        """`bytes */N` asks how much is there; `bytes A-B/N` goes on; nothing: the whole."""
        blob = self.by_address.get(request.path.split("/")[2])
        if blob is None:
            return error_answer(404, "Not found")
        span = request.headers.get("content-range", "")
        if not span.startswith("bytes */"):
            start = int(found[1]) if (found := re.match(r"bytes (\d+)-", span)) else 0
            self._keep(blob, start, request)
        if blob.is_complete:
            return Answer(200, b"{}")
        if request.has("half"):
            return error_answer(503, "Service unavailable")
        return Answer(
            308, b"", {"Range": f"bytes=0-{len(blob.content) - 1}"} if blob.content else {}
        )

    def _keep(self, blob: Blob, start: int, request: Request) -> None:
        if start > len(blob.content):
            return
        body = request.body[: len(request.body) // 2] if request.has("half") else request.body
        blob.content = blob.content[:start] + body
        blob.is_complete = len(blob.content) == blob.size

    def take(self, token: str, owner: str) -> Blob:
        """A complete one of this owner; it may be used again."""
        blob = self.by_token.get(token)
        if blob is None or not blob.is_complete or blob.owner != owner:
            raise ApiError(400, "An upload was not found or is not complete")
        return blob

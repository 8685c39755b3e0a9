"""The log of a kernel that still runs: server-sent events, read for a few seconds.

Runs in the client's process only. Each connection tells everything from the start.
"""

import json
import time
from collections.abc import Iterator
from typing import Any

import requests
from urllib3.exceptions import HTTPError

READ_S = 5.0  # in all
QUIET_S = 2.0  # nothing for so long: there is no more for now
PIECE_BYTES, MOST_BYTES = 1 << 16, 16 << 20
END = "END_OF_LOG"


def read(response: requests.Response) -> str:
    """As a JSON array of {stream_name, time, data}; what is no stream of events, as it is."""
    body = b"".join(_pieces(response)).decode("utf-8", errors="replace")
    if not response.headers.get("Content-Type", "").lower().startswith("text/event-stream"):
        return body
    return json.dumps(list(_events(body)))


def _pieces(response: requests.Response) -> Iterator[bytes]:
    until, size = time.monotonic() + READ_S, 0
    while time.monotonic() < until and size < MOST_BYTES:
        try:
            piece = response.raw.read1(PIECE_BYTES, decode_content=True)
        except (HTTPError, OSError):
            return
        if not piece:
            return
        size += len(piece)
        yield piece


def _events(body: str) -> Iterator[dict[str, Any]]:
    """Of whole lines only: the last one may still be under way."""
    for line in body.split("\n")[:-1]:
        if not line.startswith("data:"):
            continue
        payload = line.removeprefix("data:").strip()
        if payload == END:
            return
        try:
            event = json.loads(payload)
        except ValueError:
            event = {"data": f"{payload}\n"}
        if isinstance(event, dict):
            yield event

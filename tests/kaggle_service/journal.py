"""What was asked of the service and when; no secret is in it."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

SECRET = ("token", "createUrl")
NOT_OF_THE_API = ("Upload", "Download")


@dataclass
class Entry:
    """at: seconds of the monotonic clock. credential: key, token, none or unknown.

    status: 0 if no answer was given. json: of its body, secrets and sources left out.
    """

    at: float
    method: str
    call: str
    path: str
    account: str
    credential: str
    json: dict[str, Any]
    status: int = 0
    seconds: float = 0.0
    fault: str = ""


def redact(value: Any) -> Any:
    """Tokens become stars; a source becomes its length."""
    if isinstance(value, list):
        return [redact(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {key: _shown(key, item) for key, item in value.items()}


def _shown(key: str, value: Any) -> Any:
    if key in SECRET and value:
        return "***"
    if key == "text" and isinstance(value, str):
        return f"{len(value)} characters"
    return redact(value)


@dataclass
class Journal:
    """listener: told of each entry once it is complete."""

    entries: list[Entry] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    listener: Callable[[Entry], None] | None = None

    def begin(self, entry: Entry) -> Entry:
        with self.lock:
            self.entries.append(entry)
        return entry

    def end(self, entry: Entry, status: int) -> None:
        entry.status = status
        entry.seconds = time.monotonic() - entry.at
        if self.listener:
            self.listener(entry)

    def of(self, call: str = "") -> list[Entry]:
        """Of one call, or all of the API; without transfers of files."""
        with self.lock:
            entries = list(self.entries)
        if call:
            return [entry for entry in entries if entry.call == call]
        return [entry for entry in entries if entry.call not in NOT_OF_THE_API]

    def credentials(self, call: str = "") -> list[tuple[str, str]]:
        """(account, credential) of each, in order."""
        return [(entry.account, entry.credential) for entry in self.of(call)]

    def busiest(self, window_s: float = 60.0) -> int:
        """The most calls of the API within any window."""
        times = sorted(entry.at for entry in self.of())
        return max(
            (sum(t <= s < t + window_s for s in times[i:]) for i, t in enumerate(times)), default=0
        )

    def at_once(self) -> int:
        """The most calls of the API under way at the same moment, of those that have ended."""
        entries = [entry for entry in self.of() if entry.seconds]
        return max(
            (sum(o.at <= e.at < o.at + o.seconds for o in entries) for e in entries), default=0
        )

"""What a kernel has printed: text for people, and in it the events that it tells the site.

A log may be cut anywhere and say anything: what cannot be read is text, and never an error.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

MARK = "palaestra: "
MOST_STEPS = 10**18  # beyond what any run counts, and what a database can hold
Event = dict[str, Any]

TEXT, STEP, OBJECT = str, int, dict
FIELDS: dict[str, dict[str, type]] = {
    "start": {"devices": TEXT, "platform": TEXT, "step": STEP, "source_hash": TEXT},
    "metrics": {"line": OBJECT},
    "checkpoint": {"file": TEXT, "step": STEP, "sha256": TEXT, "size_bytes": STEP},
    "end": {"state": TEXT, "reason": TEXT, "step": STEP},
}


@dataclass(frozen=True)
class Log:
    text: str
    events: tuple[Event, ...]


def parse(raw: str) -> Log:
    """raw: as it was printed, or the service's JSON array of {stream_name, time, data}."""
    pieces = list(_pieces(raw))
    streams: dict[str, list[str]] = {}
    for stream, text in pieces:  # a line of one may be interrupted by a line of another
        streams.setdefault(stream, []).append(text)
    events = [event for texts in streams.values() for event in _events("".join(texts))]
    return Log(_sound("".join(text for _, text in pieces)), tuple(events))


def _pieces(raw: str) -> Iterator[tuple[str, str]]:
    """Streams and what they said, in order."""
    if not raw.lstrip().startswith("["):
        yield "", raw
        return
    entries = _json(raw)
    if isinstance(entries, list):
        for entry in entries:
            yield _piece(entry) or ("", f"{json.dumps(entry)}\n")
        return
    for line in raw.splitlines(keepends=True):  # one entry a line, cut somewhere
        yield _piece(_json(line.strip().lstrip("[,").rstrip(",]"))) or ("", line)


def _piece(entry: Any) -> tuple[str, str] | None:
    if isinstance(entry, dict) and isinstance(entry.get("data"), str):
        return str(entry.get("stream_name")), entry["data"]
    return None


def _events(text: str) -> Iterator[Event]:
    for line in text.split("\n"):
        if line.startswith(MARK):
            event = _json(line[len(MARK) :])
            if isinstance(event, dict) and _is_known(event):
                yield event


def _is_known(event: Event) -> bool:
    """Of a known kind, with its fields, and such as JSON in a database can hold."""
    kind = event.get("kind")
    fields = FIELDS.get(kind) if isinstance(kind, str) else None
    if fields is None or not all(_is(event.get(name), wanted) for name, wanted in fields.items()):
        return False
    text = json.dumps(event, ensure_ascii=False)
    return _sound(text) == text and "\\u0000" not in text


def _is(value: Any, kind: type) -> bool:
    if kind is STEP:
        return type(value) is int and 0 <= value < MOST_STEPS
    return isinstance(value, kind)


def _json(text: str) -> Any:
    """None where it is none."""
    try:
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None


def _refuse(name: str) -> NoReturn:
    raise ValueError(name)


def _sound(text: str) -> str:
    """Without halves of characters, which no file and no database takes."""
    return text.encode("utf-8", "replace").decode()

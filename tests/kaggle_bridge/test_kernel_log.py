"""Logs of kernels: plain or as the service gives them, whole, torn, or by somebody else."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaggle_bridge.kernel_log import parse

START = {"kind": "start", "devices": "1 x T4", "platform": "gpu", "step": 0, "source_hash": "ab"}
METRICS = {"kind": "metrics", "line": {"step": 512, "loss": 0.5}}
SAVED = {"kind": "checkpoint", "file": "resume/a", "step": 512, "sha256": "ab", "size_bytes": 9}
END = {"kind": "end", "state": "complete", "reason": "all steps are done", "step": 512}
EVENTS = (START, METRICS, SAVED, END)
PLAIN = "".join(f"words\npalaestra: {json.dumps(event)}\n" for event in EVENTS)


def served(*pieces: tuple[str, str]) -> str:
    """As the service gives it."""
    entries = [
        {"stream_name": stream, "time": place / 10, "data": text}
        for place, (stream, text) in enumerate(pieces)
    ]
    return "[" + "\n,".join(map(json.dumps, entries)) + "\n]"


def test_plain_log_is_text_and_events() -> None:
    log = parse(PLAIN)
    assert (log.text, log.events) == (PLAIN, EVENTS)


def test_services_array_is_joined_to_the_same() -> None:
    pieces = [("stdout", PLAIN[place : place + 50]) for place in range(0, len(PLAIN), 50)]
    assert parse(served(*pieces)) == parse(PLAIN)


def test_line_of_another_stream_breaks_no_event() -> None:
    pieces = [("stdout", PLAIN[:30]), ("stderr", "Warning!\n"), ("stdout", PLAIN[30:])]
    log = parse(served(*pieces))
    assert log.events == EVENTS
    assert "Warning!" in log.text


def test_array_that_is_cut_gives_what_is_whole() -> None:
    whole = served(*[("stdout", line) for line in PLAIN.splitlines(keepends=True)])
    log = parse(whole[:-150])
    assert log.events == EVENTS[:-1]
    assert log.text.startswith("words\npalaestra: ")


@pytest.mark.parametrize(
    "event",
    [
        {**METRICS, "kind": "other"},
        {**METRICS, "kind": ["metrics"]},
        {"kind": "metrics"},
        {**METRICS, "line": [1]},
        {**SAVED, "step": True},
        {**SAVED, "step": -1},
        {**SAVED, "step": 10**30},
        {**SAVED, "step": 1.5},
        {**SAVED, "file": 3},
        {**END, "reason": None},
        {**END, "reason": "\0"},
        {**END, "reason": "\ud800"},
        {**METRICS, "line": {"loss": float("nan")}},
        [METRICS],
        "metrics",
    ],
)
def test_what_is_no_event_of_ours_is_text(event: Any) -> None:
    raw = f"palaestra: {json.dumps(event)}\n"
    assert parse(raw).events == ()
    assert parse(raw).text == raw


@pytest.mark.parametrize("raw", ["", "[", "[]", "null", "[[", "[" * 100_000, "palaestra: " * 3])
def test_nothing_is_too_odd(raw: str) -> None:
    assert parse(raw).events == ()


@given(st.text() | st.text(alphabet='[]{},"\\\n\r:1ea\ud800').map(lambda text: f"[{text}"))
def test_malformed_logs_never_raise(raw: str) -> None:
    parse(raw).text.encode()
    parse(f"palaestra: {raw}").text.encode()


@given(st.recursive(st.none() | st.text() | st.integers(), st.lists))
def test_any_json_is_read(value: Any) -> None:
    parse(json.dumps(value))
    parse(json.dumps([{"stream_name": value, "data": value}, value]))
    parse(f'palaestra: {{"kind": "metrics", "line": {json.dumps(value)}}}')

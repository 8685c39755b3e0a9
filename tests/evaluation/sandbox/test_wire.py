"""The worker's parser of strangers' answers: strict, bounded, never surprised."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.sandbox import wire

PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def body(action: str) -> bytes:
    return b'{"seq": 4, "action": ' + action.encode() + b"}"


@given(PLAIN)
def test_plain_values_cross_unchanged(action):
    encoded = json.dumps({"seq": 4, "action": action}).encode()
    assert wire.parse(encoded, 4) == {"seq": 4, "action": action}


@pytest.mark.parametrize(
    "action",
    ["NaN", "Infinity", "-Infinity", "1e999", "9223372036854775808", "-9223372036854775809",
     "1" * 5000, '"\\ud800"', '{"\\udfff": 1}', "[" * 40 + "]" * 40, "[" * 9000 + "]" * 9000],
    ids=lambda action: action[:12],
)  # fmt: skip
def test_value_that_is_not_allowed_is_named(action):
    with pytest.raises(wire.BadValue):
        wire.parse(body(action), 4)


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b"\xff\xfe", b"null", b"[]", b"4", b'"seq"', b"{}", b'{"seq": true}',
     b'{"seq": 4.0}', b'{"seq": "4"}', b'{"seq": 3}', b'{"seq": 4} {}', b'{"seq": 4,}'],
)  # fmt: skip
def test_answer_that_breaks_the_protocol_is_refused(raw):
    with pytest.raises(wire.WireError):
        wire.parse(raw, 4)


@given(st.binary(max_size=300))
def test_any_bytes_are_parsed_or_refused(raw):
    with contextlib.suppress(wire.WireError):
        assert isinstance(wire.parse(raw, 4), dict)


def test_frame_begins_with_the_length_of_its_body():
    frame = wire.frame({"seq": 1, "x": [1, 2]})
    assert wire.body_length(frame) == len(frame) - wire.HEADER_BYTES
    assert wire.parse(frame[wire.HEADER_BYTES :], 1) == {"seq": 1, "x": [1, 2]}
    assert wire.body_length(frame[:3]) is None

"""One HTTP answer: what is understood, what is refused for which reason, and nothing else ever."""

import socket
import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.channel import ExchangeError, PlainChannel
from evaluation.exchange import MAX_BODY, MAX_HEADER, Answer, read_answer
from evaluation.verdict import NETWORK_ADVICE
from tests.evaluation.remote import answer

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


def read(raw: bytes, piece: int = 1 << 20) -> Answer:
    """What is read where the bytes arrive in pieces of this size."""
    pieces = [raw[start : start + piece] for start in range(0, len(raw), piece)] + [b""] * 2
    return read_answer(iter(pieces).__next__)


UNDERSTOOD = {
    "length": answer(b"[1, 2]"),
    "no reason": b"HTTP/1.1 200\r\nContent-Length: 6\r\n\r\n[1, 2]",
    "until closed": b"HTTP/1.0 200 OK\r\n\r\n[1, 2]",
    "chunks": CHUNKED + b'3;x="y"\r\n[1,\r\n3 \r\n 2]\r\n0\r\nTrailer: x\r\n\r\n',
    "interim": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
    + answer(b"[1, 2]"),
    "identity": answer(b"[1, 2]", "200 OK", "Content-Encoding: identity", "Set-Cookie: a=b"),
    "more behind it": answer(b"[1, 2]") + answer(b"[3]"),
}


@pytest.mark.parametrize("piece", [1, 7, 1 << 20])
@pytest.mark.parametrize("raw", UNDERSTOOD.values(), ids=UNDERSTOOD)
def test_usual_forms_of_http_are_understood_however_they_are_cut(raw, piece):
    assert read(raw, piece) == Answer(b"[1, 2]")


REFUSED = {
    "redirect": [answer(b"", f"{status} X") for status in (300, 301, 302, 303, 304, 307, 308, 399)],
    "status": [answer(b"{}", f"{status} X") for status in (101, 201, 204, 206, 400, 500, 999)],
    "not_http": [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b'{"action": 4}',
        b"\x15\x03\x03\x00\x02\x02\x46",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/1.1 200OK\r\n\r\n",
        b"HTTP/1.1 099 OK\r\n\r\n",
        b" HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 O\x00K\r\n\r\n",
        OK + b" a: b\r\n\r\n",
        OK + b"a : b\r\n\r\n",
        OK + b": b\r\n\r\n",
        OK + b"a\r\n\r\n",
        OK + b"a: b\x00c\r\n\r\n",
        OK + b"a: b\nContent-Length: 2\r\n\r\n{}",
        OK + b"a: b\rc: d\r\n\r\n",
        OK + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
        OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        OK + b"Content-Length: 2, 2\r\n\r\n{}",
        OK + b"Content-Length: -1\r\n\r\n",
        OK + b"Content-Length: +2\r\n\r\n{}",
        OK + b"Content-Length: 0x2\r\n\r\n{}",
        OK + b"Content-Length: \r\n\r\n{}",
        b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        CHUNKED + b"zz\r\n",
        CHUNKED + b"-1\r\n",
        CHUNKED + b"1_0\r\n",
        CHUNKED + b"\r\n",
        CHUNKED + b"2\r\n{}}\r\n0\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nSSH-2.0\r\n",
    ],
    "broken": [
        b"",
        b"HTT",
        b"HTTP/1.1 200",
        OK + b"a: b\r\n",
        OK + b"Content-Length: 3\r\n\r\n{}",
        CHUNKED,
        CHUNKED + b"5\r\n{}",
        CHUNKED + b"2\r\n{}\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
    ],
    "too_large": [
        OK + b"Content-Length: 65537\r\n\r\n",
        OK + b"Content-Length: 99999999999999999999\r\n\r\n",
        OK + b"\r\n" + b"x" * (MAX_BODY + 1),
        OK + b"a: " + b"y" * MAX_HEADER,
        OK + b"a: b\r\n" * (MAX_HEADER // 6),
        b"HTTP/1.1 100 X\r\n\r\n" * 1000,
        CHUNKED + b"ffffffffffffffff\r\n",
        CHUNKED + (b"7530\r\n" + b"x" * 30_000 + b"\r\n") * 3,
        CHUNKED + b"1\r\nx\r\n" * MAX_HEADER,
        CHUNKED + b"1;" + b"y" * MAX_HEADER,
    ],
    "compressed": [
        answer(b"x", "200 OK", "Content-Encoding: gzip"),
        answer(b"x", "200 OK", "Content-Encoding: identity", "Content-Encoding: br"),
        OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        OK + b"Transfer-Encoding: identity\r\n\r\n",
    ],
}


@pytest.mark.parametrize("piece", [13, 1 << 20])
@pytest.mark.parametrize(
    ("reason", "raw"), [(reason, raw) for reason, raws in REFUSED.items() for raw in raws]
)
def test_answer_of_another_form_is_refused_for_its_reason(reason, raw, piece):
    with pytest.raises(ExchangeError) as caught:
        read(raw, piece)
    assert caught.value.reason == reason
    assert str(caught.value).endswith(".")


def test_error_status_is_named():
    with pytest.raises(ExchangeError, match="error status: 503"):
        read(answer(b"", "503 <script>"))


def test_largest_answer_is_taken():
    head = OK + b"a: " + b"y" * (MAX_HEADER - len(OK) - 7)
    assert len(read(head + b"\r\n\r\n" + b"x" * MAX_BODY).body) == MAX_BODY
    with pytest.raises(ExchangeError, match="head"):
        read(head + b"y\r\n\r\n")


def test_server_of_another_protocol_is_told_without_waiting_for_its_end():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(b"220 mail")  # and it waits for us to speak
        with pytest.raises(ExchangeError, match="in HTTP"):
            read_answer(PlainChannel(ours, time.monotonic() + 5).receive)


@pytest.mark.parametrize(
    ("value", "think"),
    [
        ("think;dur=250", 0.25),
        ("think;dur=0", 0.0),
        ("db;dur=53.2, think ; dur=12.5, total;dur=1", 0.0125),
        ("THINK;dur=1", 0.001),
        ("think", None),
        ("think;dur=", None),
        ("think;dur=-1", None),
        ("think;dur=nan", None),
        ("think;dur=inf", None),
        ("think;dur=1e3", None),
        ("think;dur=1_0", None),
        ("think;dur=9999999999", None),
        ("think;dur=1;dur=2", None),
        ("think;dur=1, think;dur=2", None),
        ("rethink;dur=1", None),
    ],
)
def test_reported_think_time_is_read_strictly(value, think):
    assert read(answer(b"{}", "200 OK", f"Server-Timing: {value}")).think == think


def test_think_time_may_stand_in_a_header_of_its_own():
    raw = answer(b"{}", "200 OK", "Server-Timing: db;dur=3", "Server-Timing: think;dur=4")
    assert read(raw).think == 0.004


WORDS = [
    b"HTTP/1.1 ", b"200", b" OK", b"\r\n", b"\r\n\r\n", b"\n", b"\r", b"Content-Length: ",
    b"chunked", b"0", b"2", b"a", b"ffff", b"10000", b"-1", b"{}", b": ", b",", b" ", b"\x00",
    b"x" * 40_000,
]  # fmt: skip
FIELDS = [
    b"Content-Length: 2", b"Content-Length: 3", b"Transfer-Encoding: chunked", b"A: b", b"A:",
    b"Content-Encoding: gzip", b"Server-Timing: think;dur=1.5", b" folded", b"A : b", b"A: " * 6000,
]  # fmt: skip
FIRST = [b"HTTP/1.1 200 OK", b"HTTP/1.0 200", b"HTTP/1.1 103 Hints\r\n\r\nHTTP/1.1 200 OK"]
BODIES = [b"", b"{}", b"2\r\n{}\r\n0\r\n\r\n", b"2;a\r\n{}\r\n1\r\n \r\n", b"1\r\nx\r\n" * 4000]
junk = st.lists(st.one_of(st.sampled_from(WORDS), st.binary(max_size=30)), max_size=20)
answers = st.builds(
    lambda first, fields, body: [b"\r\n".join([first, *fields, b"", body])],
    st.sampled_from(FIRST),
    st.lists(st.sampled_from(FIELDS), max_size=3),
    st.sampled_from(BODIES),
)
wire = st.one_of(answers, junk, st.builds(lambda head, tail: head + tail, answers, junk))


@settings(max_examples=400, deadline=None, derandomize=True)
@given(pieces=wire, is_closed=st.booleans())
def test_any_bytes_come_to_an_answer_or_a_reason_before_the_deadline(pieces, is_closed):
    ours, theirs = socket.socketpair()
    sender = threading.Thread(target=send, args=(theirs, pieces, is_closed))
    with theirs:
        started = time.monotonic()
        sender.start()
        with ours:
            outcome = outcome_of(PlainChannel(ours, started + 0.02))
            seconds = time.monotonic() - started
        sender.join()
    assert outcome in {"answer", "late", *NETWORK_ADVICE}
    assert seconds < 0.5
    assert (outcome == "late") <= (seconds >= 0.02)


def outcome_of(channel: PlainChannel) -> str:
    try:
        return "answer" if len(read_answer(channel.receive).body) <= MAX_BODY else "flood"
    except ExchangeError as error:
        return error.reason
    except TimeoutError:
        return "late"


def send(connection: socket.socket, pieces: list[bytes], is_closed: bool) -> None:
    try:
        for piece in pieces:
            connection.sendall(piece)
        if is_closed:
            connection.shutdown(socket.SHUT_WR)
    except OSError:
        return

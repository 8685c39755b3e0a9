"""One POST and its answer over a checked address, within one deadline for all of it.

No redirects, proxies, cookies or compression: a request goes where it was checked to go.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from evaluation.channel import ExchangeError, Target, TooSlow, opened

MAX_HEADER = 16 * 1024
MAX_BODY = 64 * 1024
GREETING = b"HTTP/1."
STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-9]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?")
FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):([\t\x20-\x7e\x80-\xff]*)")
DECIMAL, HEXADECIMAL = re.compile(rb"\d{1,20}"), re.compile(rb"[0-9A-Fa-f]{1,16}")
THINK = re.compile(rb"[ \t]*think[ \t]*;[ \t]*dur=(\d{1,9}(?:\.\d{1,9})?)[ \t]*")
OK, SWITCHING_PROTOCOLS = 200, 101
INFORMATIONAL, REDIRECTS = range(100, 200), range(300, 400)

Receive = Callable[[], bytes]
Fields = dict[bytes, list[bytes]]


@dataclass(frozen=True)
class Answer:
    """think: the seconds that the server says its agent took, where it says so (Server-Timing)."""

    body: bytes
    think: float | None = None


def post(
    target: Target,
    addresses: Sequence[str],
    body: bytes,
    deadline: float,
    headers: Mapping[str, str],
) -> Answer:
    """The answer with status 200. Raises ExchangeError; an OSError is a fault of ours.

    headers: besides those that every request has.
    """
    with opened(target, addresses, deadline) as channel:
        try:
            with suppress(ConnectionError):  # it may have answered, and closed, without reading
                channel.send(_request(target, body, headers))
            return read_answer(channel.receive)
        except TimeoutError as error:
            raise TooSlow("The agent's server did not answer in time.") from error
        except OSError as error:
            raise _broken() from error


def read_answer(receive: Receive) -> Answer:
    """The answer in what is received: HTTP/1.0 or 1.1 within MAX_HEADER and MAX_BODY.

    receive: gives the next bytes, none at the end. Raises ExchangeError and what receive raises.
    """
    return _Reader(receive).answer()


def _request(target: Target, body: bytes, headers: Mapping[str, str]) -> bytes:
    fields = {
        "Host": target.host_header,
        "Content-Type": "application/json",
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "User-Agent": "Palaestra",
        "Connection": "close",
        "Content-Length": str(len(body)),
        **headers,
    }
    lines = [f"POST {target.path} HTTP/1.1", *(f"{name}: {fields[name]}" for name in fields)]
    return "\r\n".join([*lines, "", ""]).encode("ascii") + body


class _Reader:
    """Reads one HTTP answer (RFC 9112). Whatever is no body counts against MAX_HEADER:

    heads, those of interim answers among them, and the sizes of chunks.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._buffer = bytearray()
        self._framing_left = MAX_HEADER

    def answer(self) -> Answer:
        version, status, fields = self._head()
        while status in INFORMATIONAL and status != SWITCHING_PROTOCOLS:
            version, status, fields = self._head()
        if status in REDIRECTS:
            raise ExchangeError(
                "redirect", "The agent's server redirects, which is never followed."
            )
        if status != OK:
            raise ExchangeError(
                "status", f"The agent's server answered with an error status: {status}."
            )
        if _joined(fields, b"content-encoding") not in (b"", b"identity"):
            raise _compressed()
        return Answer(self._body(version, fields), _think(fields))

    def _head(self) -> tuple[int, int, Fields]:
        self._expect_greeting()
        matched = STATUS_LINE.fullmatch(self._line())
        if not matched:
            raise _not_http()
        fields: Fields = {}
        while line := self._line():
            field = FIELD.fullmatch(line)
            if not field:
                raise _not_http()
            fields.setdefault(field[1].lower(), []).append(field[2].strip())
        return int(matched[1]), int(matched[2]), fields

    def _expect_greeting(self) -> None:
        """So that a server of another protocol is told at once, not when it has timed out."""
        while GREETING.startswith(start := bytes(self._buffer[: len(GREETING)])):
            if start == GREETING:
                return
            self._more()
        raise _not_http()

    def _body(self, version: int, fields: Fields) -> bytes:
        lengths = fields.get(b"content-length", [])
        coding = _joined(fields, b"transfer-encoding")
        if len(lengths) > 1 or (coding and (lengths or version == 0)):
            raise _not_http()  # two answers in one, to whoever reads it the other way
        if coding:
            return self._chunked(coding)
        return self._exactly(_number(lengths[0], 10)) if lengths else self._rest()

    def _chunked(self, coding: bytes) -> bytes:
        if coding != b"chunked":
            raise _compressed()
        body = b""
        while size := _number(self._line().partition(b";")[0].rstrip(b" \t"), 16):
            body += self._exactly(size, MAX_BODY - len(body))
            if self._line():
                raise _not_http()
        return body

    def _rest(self) -> bytes:
        while len(self._buffer) <= MAX_BODY and (chunk := self._receive()):
            self._buffer += chunk
        return self._exactly(len(self._buffer))

    def _line(self) -> bytes:
        while (end := self._buffer.find(b"\r\n")) < 0 and len(self._buffer) <= self._framing_left:
            self._more()
        self._framing_left -= end + 2 if end >= 0 else len(self._buffer)
        if self._framing_left < 0:
            raise ExchangeError(
                "too_large",
                f"The head of the server's answer, with its framing, is over {MAX_HEADER} bytes.",
            )
        return self._taken(end + 2)[:-2]

    def _exactly(self, size: int, bound: int = MAX_BODY) -> bytes:
        if size > bound:
            raise ExchangeError(
                "too_large",
                f"The server's answer is too large: over {MAX_BODY} bytes.",
            )
        while len(self._buffer) < size:
            self._more()
        return self._taken(size)

    def _taken(self, size: int) -> bytes:
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken

    def _more(self) -> None:
        chunk = self._receive()
        if not chunk:
            raise _broken()
        self._buffer += chunk


def _joined(fields: Fields, name: bytes) -> bytes:
    return b",".join(fields.get(name, [])).lower()


def _think(fields: Fields) -> float | None:
    """Seconds, from `Server-Timing: think;dur=<milliseconds>`; None where that is not clear."""
    metrics = _joined(fields, b"server-timing").split(b",")
    found = [matched for metric in metrics if (matched := THINK.fullmatch(metric))]
    return float(found[0][1]) / 1000 if len(found) == 1 else None


def _number(digits: bytes, base: int) -> int:
    if not (DECIMAL if base == 10 else HEXADECIMAL).fullmatch(digits):
        raise _not_http()
    return int(digits, base)


def _not_http() -> ExchangeError:
    return ExchangeError("not_http", "The agent's server did not answer in HTTP.")


def _broken() -> ExchangeError:
    return ExchangeError(
        "broken", "The agent's server broke the connection before its answer was whole."
    )


def _compressed() -> ExchangeError:
    return ExchangeError("compressed", "The agent's server compressed or encoded its answer.")

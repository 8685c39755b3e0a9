"""One POST and its answer over a checked address, within one deadline for all of it.

No redirects, proxies, cookies or compression: a request goes where it was checked to go.
"""

import functools
import re
import socket
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass

MAX_HEADER = 16 * 1024
MAX_BODY = 64 * 1024
CHUNK = 16 * 1024
STATUS_LINE = re.compile(rb"HTTP/1\.[01] (\d{3})(?: [^\r\n]*)?")
INFORMATIONAL = range(100, 200)
REDIRECTS = range(300, 400)


class ExchangeError(Exception):
    """Why there is no answer: the class of the failure, in one sentence."""


class TooSlow(ExchangeError):
    """The deadline passed."""


@dataclass(frozen=True)
class Target:
    """Where to: host is what the URL says (Host header, TLS name); the address is given apart."""

    host: str
    port: int
    path: str
    is_tls: bool

    @property
    def host_header(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        is_usual = self.port == (443 if self.is_tls else 80)
        return host if is_usual else f"{host}:{self.port}"


def post(target: Target, addresses: Sequence[str], body: bytes, deadline: float) -> bytes:
    """The body of the answer. Raises ExchangeError."""
    try:
        with _connected(target, addresses, deadline) as connection:
            connection.settimeout(_left(deadline))
            connection.sendall(_request(target, body))
            return _Answer(connection, deadline).body()
    except TimeoutError as error:
        raise TooSlow("The agent's server did not answer in time.") from error
    except ssl.SSLError as error:
        raise ExchangeError("The agent's server has no valid certificate.") from error
    except OSError as error:
        raise ExchangeError("The agent's server broke the connection.") from error


def _connected(target: Target, addresses: Sequence[str], deadline: float) -> socket.socket:
    for address in addresses:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        connection = socket.socket(family, socket.SOCK_STREAM)
        try:
            connection.settimeout(_left(deadline))
            connection.connect((address, target.port))
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return _secured(connection, target) if target.is_tls else connection
        except (TimeoutError, ssl.SSLError):
            connection.close()
            raise
        except OSError:
            connection.close()
    raise ExchangeError("The agent's server cannot be reached.")


def _secured(connection: socket.socket, target: Target) -> socket.socket:
    return _tls_context().wrap_socket(connection, server_hostname=target.host)


@functools.cache
def _tls_context() -> ssl.SSLContext:
    return ssl.create_default_context()


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _request(target: Target, body: bytes) -> bytes:
    lines = [
        f"POST {target.path} HTTP/1.1",
        f"Host: {target.host_header}",
        "Content-Type: application/json",
        "Accept: application/json",
        "Accept-Encoding: identity",
        "User-Agent: Palaestra",
        "Connection: close",
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join([*lines, "", ""]).encode("ascii") + body


class _Answer:
    """Reads one HTTP answer; every byte counts against the bounds and the deadline."""

    def __init__(self, connection: socket.socket, deadline: float) -> None:
        self.connection = connection
        self.deadline = deadline
        self.buffer = b""

    def body(self) -> bytes:
        status, headers = self._head()
        while status in INFORMATIONAL:
            status, headers = self._head()
        if status in REDIRECTS:
            raise ExchangeError("The agent's server redirects, which is not followed.")
        if status != 200:
            raise ExchangeError("The agent's server answered with an error status.")
        if headers.get(b"content-encoding", b"identity") != b"identity":
            raise ExchangeError("The agent's server compressed its answer.")
        if headers.get(b"transfer-encoding"):
            return self._chunked(headers[b"transfer-encoding"])
        if b"content-length" in headers:
            return self._exactly(_number(headers[b"content-length"], 10))
        return self._until_closed()

    def _head(self) -> tuple[int, dict[bytes, bytes]]:
        first, *lines = self._until(b"\r\n\r\n", MAX_HEADER).split(b"\r\n")
        matched = STATUS_LINE.fullmatch(first)
        if not matched:
            raise _malformed()
        headers: dict[bytes, bytes] = {}
        for line in lines:
            name, colon, value = line.partition(b":")
            name = name.lower()
            repeats_length = name == b"content-length" and name in headers
            if not colon or not name or name != name.strip() or repeats_length:
                raise _malformed()
            headers[name] = value.strip().lower()
        return int(matched[1]), headers

    def _chunked(self, coding: bytes) -> bytes:
        if coding != b"chunked":
            raise _malformed()
        body = b""
        while size := _number(self._until(b"\r\n", MAX_HEADER).partition(b";")[0], 16):
            body += self._exactly(size, MAX_BODY - len(body))
            if self._exactly(2) != b"\r\n":
                raise _malformed()
        return body

    def _until_closed(self) -> bytes:
        while len(self.buffer) <= MAX_BODY and self._receive():
            pass
        return self._exactly(len(self.buffer))

    def _until(self, mark: bytes, bound: int) -> bytes:
        while mark not in self.buffer:
            if len(self.buffer) > bound:
                raise ExchangeError("The head of the server's answer is too large.")
            if not self._receive():
                raise _malformed()
        taken, _, self.buffer = self.buffer.partition(mark)
        if len(taken) > bound:
            raise ExchangeError("The head of the server's answer is too large.")
        return taken

    def _exactly(self, size: int, bound: int = MAX_BODY) -> bytes:
        if size > bound:
            raise ExchangeError("The answer of the agent's server is too large.")
        while len(self.buffer) < size:
            if not self._receive():
                raise _malformed()
        taken, self.buffer = self.buffer[:size], self.buffer[size:]
        return taken

    def _receive(self) -> bool:
        """Waits for more, no longer than the whole exchange may last; False at its end."""
        self.connection.settimeout(_left(self.deadline))
        chunk = self.connection.recv(CHUNK)
        self.buffer += chunk
        return bool(chunk)


def _number(digits: bytes, base: int) -> int:
    if not re.fullmatch(rb"[0-9a-fA-F]{1,8}", digits.strip()):
        raise _malformed()
    try:
        return int(digits, base)
    except ValueError:
        raise _malformed() from None


def _malformed() -> ExchangeError:
    return ExchangeError("The agent's server did not answer in HTTP.")

"""A stream of bytes to one checked address, plain or over TLS.

Every wait counts against one deadline, every byte that comes in against one bound.
"""

import errno
import functools
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Protocol, TypeVar

Result = TypeVar("Result")

CHUNK = 16 * 1024
# What a handshake, an answer of the largest size and their framing may take on the wire.
MAX_WIRE = 512 * 1024
# This process has run out of something: no fault of the agent's server.
OUR_FAULTS = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
# By OpenSSL's X509_V_ERR_* number; see x509_vfy.h.
UNTRUSTED = "The certificate of the agent's server is not signed by a known authority."
MISNAMED = "The certificate of the agent's server is for another name."
CERTIFICATE_FAULTS = {
    9: "The certificate of the agent's server is not valid yet.",
    10: "The certificate of the agent's server has expired.",
    18: UNTRUSTED,
    19: UNTRUSTED,
    20: UNTRUSTED,
    21: UNTRUSTED,
    62: MISNAMED,
    64: MISNAMED,
}


class ExchangeError(Exception):
    """Why there is no answer, in one sentence. reason: a key of NETWORK_ADVICE.

    detail: what only the owner of the agent is shown.
    """

    def __init__(self, reason: str, sentence: str, detail: str = "") -> None:
        super().__init__(sentence)
        self.reason = reason
        self.detail = detail


class TooSlow(ExchangeError):
    """The deadline passed, here or at the agent's server."""

    def __init__(self, sentence: str) -> None:
        super().__init__("timeout", sentence)


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


class Channel(Protocol):
    """Both raise TimeoutError at the deadline and OSError where the connection breaks."""

    def send(self, data: bytes) -> None: ...

    def receive(self) -> bytes:
        """The next bytes, some KB at most; none at the end."""


class PlainChannel:
    """Over a connected socket. deadline: in the time of time.monotonic()."""

    def __init__(self, connection: socket.socket, deadline: float) -> None:
        self._connection = connection
        self._deadline = deadline
        self._received = 0

    def send(self, data: bytes) -> None:
        self._connection.settimeout(time_left(self._deadline))
        self._connection.sendall(data)

    def receive(self) -> bytes:
        self._connection.settimeout(time_left(self._deadline))
        chunk = self._connection.recv(CHUNK)
        self._received += len(chunk)
        if self._received > MAX_WIRE:
            raise ExchangeError("too_large", "The agent's server sends without end.")
        return chunk


class TlsChannel:
    """TLS in memory over a plain channel, which sees to deadline and bound.

    An SSLSocket reads on by itself while records without data come in, however long that takes.
    """

    def __init__(self, plain: PlainChannel, host: str) -> None:
        self._plain = plain
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        name = host.removesuffix(".")  # neither SNI nor certificates know the root's dot
        self._tls = _tls_context().wrap_bio(self._incoming, self._outgoing, server_hostname=name)
        try:
            self._carry(self._tls.do_handshake)
        except ssl.SSLError as error:
            with suppress(OSError):
                self._flush()  # the alert, so that the server's log names the fault, too
            raise ExchangeError("tls", _tls_fault(error)) from error

    def send(self, data: bytes) -> None:
        while data:
            data = data[self._carry(functools.partial(self._tls.write, data)) :]

    def receive(self) -> bytes:
        with suppress(ssl.SSLEOFError):  # closed without a farewell, as many servers do
            return self._carry(functools.partial(self._tls.read, CHUNK))
        return b""

    def _carry(self, step: Callable[[], Result]) -> Result:
        """Repeats a step of the protocol, sending and receiving what it needs, until it is done."""
        while True:
            try:
                result = step()
            except ssl.SSLWantReadError:
                self._flush()
                self._fill()
            else:
                self._flush()
                return result

    def _flush(self) -> None:
        if self._outgoing.pending:
            self._plain.send(self._outgoing.read())

    def _fill(self) -> None:
        chunk = self._plain.receive()
        if chunk:
            self._incoming.write(chunk)
        else:
            self._incoming.write_eof()


@contextmanager
def opened(target: Target, addresses: Sequence[str], deadline: float) -> Iterator[Channel]:
    """A channel to the first of the addresses that takes the connection. Raises ExchangeError.

    An OSError that it raises is a fault of ours.
    """
    with _connected(target, addresses, deadline) as connection:
        plain = PlainChannel(connection, deadline)
        yield _secured(plain, target.host) if target.is_tls else plain


def time_left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _connected(target: Target, addresses: Sequence[str], deadline: float) -> socket.socket:
    for address in addresses:
        try:
            return _connect(address, target.port, deadline)
        except TimeoutError as error:
            raise TooSlow("The agent's server did not take the connection in time.") from error
        except OSError as error:
            if error.errno in OUR_FAULTS:
                raise
    raise ExchangeError("refused", "The agent's server cannot be reached: nobody listens there.")


def _connect(address: str, port: int, deadline: float) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    connection = socket.socket(family, socket.SOCK_STREAM)
    try:
        connection.settimeout(time_left(deadline))
        connection.connect((address, port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except BaseException:
        connection.close()
        raise
    return connection


def _secured(plain: PlainChannel, host: str) -> TlsChannel:
    try:
        return TlsChannel(plain, host)
    except TimeoutError as error:
        raise TooSlow("The agent's server did not agree on TLS in time.") from error
    except OSError as error:
        raise ExchangeError("tls", "The agent's server broke the TLS handshake off.") from error


@functools.cache
def _tls_context() -> ssl.SSLContext:
    """The system's authorities, or those that SSL_CERT_FILE names; TLS 1.2 at least."""
    context = ssl.create_default_context()
    context.options |= ssl.OP_NO_RENEGOTIATION
    return context


def _tls_fault(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return CERTIFICATE_FAULTS.get(
            error.verify_code, "The agent's server has no valid certificate."
        )
    return "The agent's server does not speak TLS as it should."

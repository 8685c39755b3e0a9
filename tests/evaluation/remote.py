"""Servers on loopback that answer an agent's URL with whatever bytes a test wants."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable

from evaluation.url_agent import UrlAgent

Handler = Callable[[socket.socket, bytes], None]


class Server:
    """Answers each connection with what a handler does, and keeps the requests.

    reads: whether the request is read first; a handler that gets none reads, or not, by itself.
    """

    def __init__(
        self,
        handler: Handler | bytes,
        context: ssl.SSLContext | None = None,
        reads: bool = True,
        host: str = "127.0.0.1",
    ) -> None:
        self.handler = says(handler) if isinstance(handler, bytes) else handler
        self.context, self.reads = context, reads
        self.connections = 0
        self.requests: list[bytes] = []
        self.is_over = threading.Event()
        self.listener = socket.create_server((host, 0), family=family_of(host))
        self.port = self.listener.getsockname()[1]
        self.url = f"http{'s' if context else ''}://127.0.0.1:{self.port}/play"
        threading.Thread(target=self._serve, daemon=True).start()

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.is_over.set()
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._answer, args=[connection], daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with contextlib.ExitStack() as stack:
            stack.enter_context(contextlib.suppress(OSError))
            stack.enter_context(connection)
            if self.context:
                connection = self.context.wrap_socket(connection, server_side=True)
                stack.enter_context(connection)
            request = read_request(connection) if self.reads else b""
            self.requests.append(request)
            self.handler(connection, request)


def family_of(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def says(raw: bytes) -> Handler:
    return lambda connection, _: connection.sendall(raw)


def read_request(connection: socket.socket) -> bytes:
    request = b""
    while b"\r\n\r\n" not in request:
        request += received(connection)
    head, _, body = request.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
    while len(body) < length:
        body += received(connection)
    return head + b"\r\n\r\n" + body


def received(connection: socket.socket) -> bytes:
    chunk = connection.recv(65536)
    if not chunk:
        raise ConnectionError("the client has hung up")
    return chunk


def answer(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def agent_at(server: Server, **options) -> UrlAgent:
    options = {"allow": [f"127.0.0.1:{server.port}"], "environment": "connectx"} | options
    return UrlAgent(server.url, **options)

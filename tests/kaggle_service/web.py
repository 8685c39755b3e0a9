"""The proxy's side: requests in absolute form come in, faults strike, answers go out."""

import itertools
import json
import socket
import struct
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.kaggle_service import faults
from tests.kaggle_service.answers import Answer, Request
from tests.kaggle_service.journal import Entry, redact

if TYPE_CHECKING:
    from tests.kaggle_service.service import KaggleService

API = "/api/v1/"
STREAM = f"{API}kernels/logs/stream/"


class Server(ThreadingHTTPServer):
    """Loopback only. Ends its connections when it is closed."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, service: "KaggleService", port: int) -> None:
        self.service = service
        self.connections: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self.connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that has gone is no error of ours."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)

    def close_connections(self) -> None:
        for connection in list(self.connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16
    server: Server

    def log_message(self, format: str, *args: Any) -> None:
        """The journal has it all."""

    def do_POST(self) -> None:
        self._serve()

    do_GET = do_POST
    do_PUT = do_POST

    def _serve(self) -> None:
        service = self.server.service
        request = self._read()
        entry = service.journal.begin(Entry(
            time.monotonic(), request.method, request.call, _without_token(request.path),
            request.caller.name, request.caller.credential, redact(request.json),
        ))  # fmt: skip
        fault = service.faults.take(request.call, request.caller.name, request.name)
        request.fault = fault
        entry.fault = fault.kind if fault else ""
        answer = self._answer(request, fault)
        service.journal.end(entry, answer.status if answer else 0)
        if answer is None:
            self._drop(is_reset=bool(fault and fault.kind == "reset"))
        else:
            self._send(answer)

    def _answer(self, request: Request, fault: faults.Fault | None) -> Answer | None:
        """None where there shall be none."""
        service = self.server.service
        if fault is None:
            return service.perform(request)
        if fault.kind == "slow":
            service.closing.wait(fault.seconds)
        stands_in = fault.kind in faults.SILENCES or fault.kind in faults.REFUSALS
        is_done = not stands_in or fault.when == "after"
        answer = service.perform(request) if is_done else None
        if fault.kind == "hang":
            service.closing.wait(fault.seconds or 3600)
        if fault.kind in faults.REFUSALS:
            return faults.refusal(fault, request.headers)
        if answer and fault.kind in faults.CHANGES:
            faults.CHANGES[fault.kind](answer, fault)
        return None if stands_in else answer

    def _read(self) -> Request:
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        call = _call(self.command, parts.path)
        caller = self.server.service.accounts.caller(headers.get("authorization", ""))
        request = Request(
            self.command, call, parts.path, dict(parse_qsl(parts.query)), headers,
            self._body(headers), caller, unquote("/".join(parts.path.split("/")[3:])),
        )  # fmt: skip
        if call == "LogStream":
            owner, slug = parts.path.removeprefix(STREAM).split("/")
            request.json = request.query | {"userName": owner, "kernelSlug": slug}
        elif parts.path.startswith(API) and request.body:
            request.json = json.loads(request.body)
        return request

    def _body(self, headers: dict[str, str]) -> bytes:
        """As much as has come, if the client breaks off."""
        if headers.get("transfer-encoding", "").lower() != "chunked":
            return self.rfile.read(int(headers.get("content-length", 0)))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0] or b"0", 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.stream is not None:
            self._stream(answer)
            return
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body[: answer.cut_at])
        if answer.cut_at is not None:
            self.wfile.flush()
            self._drop(is_reset=False)

    def _stream(self, answer: Answer) -> None:
        """Chunked: a client that reads 512 bytes at a time gets each piece as it comes."""
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for piece in itertools.chain(answer.stream or (), [b""]):
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            self.wfile.flush()

    def _drop(self, is_reset: bool) -> None:
        """is_reset: the client sees a reset instead of an end."""
        if is_reset:
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.connection.close()
        self.close_connection = True


def _call(method: str, path: str) -> str:
    """The protocol's name of what is asked for."""
    if path.startswith(STREAM):
        return "LogStream"
    if path.startswith(API):
        return path.rsplit("/", 1)[1]
    kinds = {("PUT", "blob"): "Upload", ("GET", "file"): "Download"}
    return kinds.get((method, path.split("/")[1]), "")


def _without_token(path: str) -> str:
    """Signed addresses keep only what is no secret."""
    parts = path.split("/")
    if parts[1] in ("blob", "file"):
        parts[2] = "***"
    return "/".join(parts)

"""The actions over HTTP, in the forms of kaggle-environments: GET parameters and a POST body.

Whoever may ask it can run code on this machine. It therefore answers no web page, and plays for
other machines only what it has itself, unless it was told to trust them.
"""

import io
import ipaddress
import math
import re
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from socketserver import TCPServer, ThreadingMixIn
from typing import Any
from urllib.parse import parse_qsl

from evaluation import actions
from evaluation.children import FAILED, Answer, CallerGone, Children
from evaluation.errors import InvalidArgument
from evaluation.output import append_log
from evaluation.request import Request, parse_json, read_flag, read_integer

CONNECTIONS = 64
STRANGERS = 4
PARAMETERS = 100
READ_S = 30.0
DRAIN_S = 2.0
BODY_BYTES, STRANGERS_BODY_BYTES = 64 * 1024**2, 1024**2
BUSY_BODY = Answer.error(503, "The server is busy.").body
BUSY = (
    b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\n\r\n%s" % (len(BUSY_BODY), BUSY_BODY)
)
FILES = ("in", "out", "log")
# What a browser says of the page that asks: only a person who typed the address is none.
OWN_SITES = (None, "none", "same-origin")
HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\[\]:]+))(?::\d*)?")
FORWARDED = ("Forwarded", "X-Forwarded-For", "Via")
HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "sandbox allow-scripts",
}


@dataclass(frozen=True)
class Options:
    """allow_hosts: names by which the server may be called, beside its addresses and loopback."""

    host: str = "127.0.0.1"
    port: int = 8000
    allow_hosts: Sequence[str] = ()
    trust_remote: bool = False
    log: str | None = None
    debug: bool = False

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> "Options":
        """From the options of the command line, as text; raises InvalidArgument."""
        port = read_integer("port", given["port"] or cls.port)
        if not 0 <= port <= 65535:
            raise InvalidArgument(f"There is no port {port}.")
        return cls(
            host=(given["host"] or cls.host).lower(),
            port=port,
            allow_hosts=[name.lower() for name in given["allow_host"] or ()],
            trust_remote=bool(given["trust_remote"]),
            log=given["log"],
            debug=read_flag("debug", given["debug"] or False),
        )


class Refused(Exception):
    """A request that is answered with this status and sentence, and its connection closed."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


def serve(options: Options) -> None:
    """Serves until SIGTERM or SIGINT, then ends every process that it started."""
    server = Server(options)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
    print(f"Serving on {server.address}", flush=True)
    try:
        server.serve_forever(poll_interval=0.1)
    finally:
        server.server_close()
        server.children.close()


class Server(ThreadingMixIn, HTTPServer):
    """A thread for each connection, up to a number of them."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, options: Options) -> None:
        self.options = options
        self.children = Children()
        self.address_family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
        self._slots = threading.BoundedSemaphore(CONNECTIONS)
        self._strangers = threading.BoundedSemaphore(STRANGERS)
        self._log_lock, self._log_is_over = threading.Lock(), False
        self._start_log()
        super().__init__((options.host, options.port), Handler)

    def server_bind(self) -> None:
        TCPServer.server_bind(self)  # HTTPServer asks the resolver for a name that we do not need
        self.server_name, self.server_port = self.options.host, self.socket.getsockname()[1]

    @property
    def address(self) -> str:
        host = self.server_name
        return f"http://{f'[{host}]' if ':' in host else host}:{self.server_port}"

    def carry_out(self, fields: dict[str, Any], is_trusted: bool, caller: socket.socket) -> Answer:
        """Raises InvalidArgument, CallerGone."""
        request = Request.read(fields, is_trusted)
        if request.action == "list":
            return Answer.of(actions.list_environments())
        if request.action == "dispose":
            return self._dispose(request)
        if is_trusted:
            return self._play(request, caller)
        if not self._strangers.acquire(blocking=False):
            return Answer.error(503, "The server is busy.")
        try:
            return self._play(request, caller)
        finally:
            self._strangers.release()

    def _play(self, request: Request, caller: socket.socket) -> Answer:
        if request.action != "act":
            return self.children.play(request, caller)
        answer = self.children.act(request, caller)
        if answer.log:
            self._log(answer.log)
        return answer

    def _dispose(self, request: Request) -> Answer:
        count = self.children.dispose(request)
        self._log_is_over = self._log_is_over or request.is_trusted
        said = b"Successfully disposed" if count else b"Already disposed"
        return Answer(200, said, "text/plain")

    def _start_log(self) -> None:
        """Empties the file; so it is found out at the start whether it can be written."""
        if self.options.log:
            with open(self.options.log, "wb"):
                self._log_is_over = False

    def _log(self, entry: dict[str, Any]) -> None:
        """The file holds what acted since the last dispose."""
        if self.options.log:
            with self._log_lock:
                if self._log_is_over:
                    self._start_log()
                append_log(self.options.log, entry)

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._slots.acquire(blocking=False):
            return super().process_request(request, client_address)
        request.settimeout(0)
        with suppress(OSError):
            request.send(BUSY)
        return self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._slots.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that breaks its connection off is no news."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class PatientReader(io.RawIOBase):
    """Reads a connection up to a deadline, however slowly its bytes drop in."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self.deadline = math.inf

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._connection.settimeout(max(0.001, self.deadline - time.monotonic()))
        return self._connection.recv_into(buffer)


class Handler(BaseHTTPRequestHandler):
    """Checks who asks, reads what is asked, sends the answer."""

    protocol_version = "HTTP/1.1"
    server_version, sys_version = "Palaestra", ""
    disable_nagle_algorithm = True
    server: Server

    def setup(self) -> None:
        super().setup()
        self.rfile.close()
        self._reader = PatientReader(self.connection)
        self.rfile = io.BufferedReader(self._reader)

    def handle_one_request(self) -> None:
        self._reader.deadline = time.monotonic() + READ_S
        super().handle_one_request()

    def do_GET(self) -> None:
        try:
            self._check_place()
            fields = self._fields()
            self._send(self.server.carry_out(fields, self._is_trusted(), self.connection))
        except InvalidArgument as error:
            self._send(Answer.error(400, str(error)))
        except CallerGone:
            self.close_connection = True
        except Refused as error:
            self._refuse(error.status, str(error))
        except (ConnectionError, TimeoutError):
            raise
        except Exception:
            traceback.print_exc()
            self._refuse(500, FAILED)

    do_POST = do_GET

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What the base class finds wrong with a request, in our form."""
        if code == 501:
            return self._refuse(405, "Only GET and POST are answered here.")
        return self._refuse(code, f"{message or self.responses[code][0]}.")

    def _check_place(self) -> None:
        """Refuses what comes from a web page: by its origin, or by a name that points here."""
        if self.path.partition("?")[0] != "/":
            raise Refused(404, "There is nothing but / here.")
        hosts = self.headers.get_all("Host", [])
        if len(hosts) != 1 or not self._is_own(hosts[0]):
            raise Refused(403, "The server is not known by this Host: see --allow-host.")
        origin = self.headers.get("Origin", f"http://{hosts[0]}")
        site = self.headers.get("Sec-Fetch-Site")
        if origin != f"http://{hosts[0]}" or site not in OWN_SITES:
            raise Refused(403, "The server answers no web pages.")

    def _is_own(self, host: str) -> bool:
        """Loopback, the address that was called, or a name that the server was told."""
        matched = HOST.fullmatch(host)
        name = (matched[1] or matched[2]).lower() if matched else ""
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return name in ("localhost", self.server.options.host, *self.server.options.allow_hosts)
        called = self.connection.getsockname()[0]
        return address.is_loopback or address == _unwrapped(called)

    def _is_trusted(self) -> bool:
        """Whether the caller may have code run: from this machine, and not passed on by a proxy."""
        if self.server.options.trust_remote:
            return True
        is_near = _unwrapped(self.client_address[0]).is_loopback
        return is_near and not any(name in self.headers for name in FORWARDED)

    def _fields(self) -> dict[str, Any]:
        body = self._body()  # read at all events, or it would be taken for the next request
        fields = {**self._parameters(), **body}
        named = [name for name in FILES if fields.get(name) is not None]
        if named:
            raise InvalidArgument(f"{named[0]} names a file, which only the command line does.")
        return fields

    def _parameters(self) -> dict[str, Any]:
        """`name[]=` repeated is a list, `name{}=` is JSON; else the first of a name counts."""
        try:
            pairs = parse_qsl(
                self.path.partition("?")[2], keep_blank_values=True, max_num_fields=PARAMETERS
            )
        except ValueError:
            raise InvalidArgument(f"There are more than {PARAMETERS} parameters.") from None
        fields: dict[str, Any] = {}
        lists: dict[str, list[str]] = {}
        for name, value in pairs:
            if name.endswith("[]"):
                lists.setdefault(name[:-2], []).append(value)
            elif name.endswith("{}"):
                fields.setdefault(name[:-2], parse_json(name[:-2], value))
            else:
                fields.setdefault(name, value)
        return {**fields, **lists}

    def _body(self) -> dict[str, Any]:
        body = self._read_body()
        if not body.strip():
            return {}
        value = parse_json("body", body.decode("utf-8", "replace"))
        if not isinstance(value, dict):
            raise InvalidArgument("The body must be a JSON object.")
        return value

    def _read_body(self) -> bytes:
        if "Transfer-Encoding" in self.headers:
            raise Refused(411, "The body needs a Content-Length.")
        lengths = set(self.headers.get_all("Content-Length", ["0"]))
        length = lengths.pop()
        if lengths or not (length.isascii() and length.isdigit()):
            raise Refused(400, "The Content-Length is no number.")
        most = BODY_BYTES if self._is_trusted() else STRANGERS_BODY_BYTES
        if len(length) > 20 or int(length) > most:
            raise Refused(413, f"A body may have {most // 1024**2} MiB.")
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            raise Refused(400, "The body is shorter than its Content-Length.")
        return body

    def _refuse(self, status: int, sentence: str) -> None:
        """Reads off what still comes, so that the caller gets to read the answer."""
        self.close_connection = True
        self._send(Answer.error(status, sentence))
        self._reader.deadline = time.monotonic() + DRAIN_S
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
            while self._reader.read(65536):
                pass

    def _send(self, answer: Answer) -> None:
        self.connection.settimeout(READ_S)
        self.send_response(answer.status)
        for name, value in HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Type", answer.kind)
        self.send_header("Content-Length", str(len(answer.body)))
        if answer.log:
            self.send_header("Server-Timing", f"think;dur={answer.log['duration'] * 1000:.3f}")
        if answer.status == 405:
            self.send_header("Allow", "GET, POST")
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def log_message(self, format: str, *arguments: Any) -> None:
        if self.server.options.debug:
            super().log_message(format, *arguments)


def _unwrapped(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The IPv4 address that a socket for both kinds shows as an IPv6 address."""
    found = ipaddress.ip_address(address.partition("%")[0])
    return getattr(found, "ipv4_mapped", None) or found

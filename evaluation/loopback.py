"""A server on the loopback address of this process, for the page of an episode that is played.

It answers only pages without an origin (a notebook shows ours in a sandboxed frame) that know the
secret address; a name that resolves to 127.0.0.1 does not make another site's page one of them.
"""

import json
from collections.abc import Callable
from functools import cache
from hmac import compare_digest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from evaluation.player import encode

Answer = Callable[[Any], dict[str, Any]]
KEPT = 16
BODY_BYTES = 256 * 1024


def serve(secret: str, answer: Answer) -> str:
    """The address that takes messages as JSON in a POST and gives each to `answer`."""
    server = _server()
    server.answers[secret] = answer
    while len(server.answers) > KEPT:
        server.answers.pop(next(iter(server.answers)))
    return f"http://{server.host}/{secret}"


@cache
def _server() -> "_Server":
    """One for the process, with a daemon thread: it ends when the kernel ends."""
    server = _Server()
    Thread(target=server.serve_forever, name="play", daemon=True).start()
    return server


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.host = f"127.0.0.1:{self.server_port}"
        self.answers: dict[str, Answer] = {}

    def answer_at(self, path: str) -> Answer | None:
        """Compares with every secret, in a time that tells nothing of them."""
        given = path.removeprefix("/").encode()
        found = [a for key, a in list(self.answers.items()) if compare_digest(key.encode(), given)]
        return found[0] if found else None


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = 10

    def do_POST(self) -> None:
        if self.headers["Host"] != self.server.host or self.headers["Origin"] != "null":
            return self._say(403, {"error": "This address answers the page of its play only."})
        answer = self.server.answer_at(self.path)
        if answer is None:
            return self._say(404, {"error": "This play is over: run its cell again."})
        try:
            message = json.loads(self.rfile.read(self._length()))
        except ValueError:
            return self._say(400, {"error": "A message is JSON of at most 256 KB."})
        return self._say(200, answer(message))

    def _length(self) -> int:
        length = int(self.headers["Content-Length"] or 0)
        if not 0 <= length <= BODY_BYTES:
            raise ValueError(length)
        return length

    def _say(self, status: int, answer: dict[str, Any]) -> None:
        body = encode(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Access-Control-Allow-Origin", "null")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Silent: what a server prints would stand in the notebook."""

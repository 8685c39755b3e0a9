"""An agent behind a URL: where it may live, and that every misbehaviour of its server is named."""

import contextlib
import json
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from evaluation.addresses import Allowed, is_permitted
from evaluation.agent import Actor
from evaluation.errors import DeadlineExceeded
from evaluation.sandbox.errors import AgentFailed
from evaluation.url_agent import UrlAgent, check_url

Handler = Callable[[socket.socket, bytes], None]
OBSERVATION = {"step": 3, "board": [0, 1], "remainingOverageTime": 60}
CONFIGURATION = {"actTimeout": 2}


class Server:
    """Answers each connection on loopback with what a handler does, and keeps the requests."""

    def __init__(self, handler: Handler, context: ssl.SSLContext | None = None) -> None:
        self.handler = handler
        self.context = context
        self.requests: list[bytes] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.url = f"http{'s' if context else ''}://127.0.0.1:{self.port}/play"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=[connection], daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            if self.context:
                connection = self.context.wrap_socket(connection, server_side=True)
            request = b""
            while b"\r\n\r\n" not in request:
                request += connection.recv(65536)
            head, _, body = request.partition(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
            while len(body) < length:
                body += connection.recv(65536)
            self.requests.append(head + b"\r\n\r\n" + body)
            self.handler(connection, body)

    def close(self) -> None:
        self.listener.close()


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def start(handler: Handler | bytes, context: ssl.SSLContext | None = None) -> Server:
        if isinstance(handler, bytes):
            raw = handler
            handler = lambda connection, _: connection.sendall(raw)  # noqa: E731
        servers.append(Server(handler, context))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def answer(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def agent_at(server: Server, **options) -> UrlAgent:
    options = {"allow": [f"127.0.0.1:{server.port}"], "environment": "connectx"} | options
    return UrlAgent(server.url, **options)


def failure(agent: UrlAgent, deadline_s: float = 5.0) -> str:
    action, log = agent.act(OBSERVATION, CONFIGURATION, deadline_s)
    assert isinstance(action, AgentFailed | DeadlineExceeded), action
    assert agent.verdict.code == "network_failure"
    assert agent.verdict.message in log["stderr"]
    again, _ = agent.act(OBSERVATION, CONFIGURATION, deadline_s)
    assert isinstance(again, Exception), "a failed agent must not play on"
    return agent.verdict.message


def test_server_is_asked_as_kaggle_asks(serve):
    server = serve(answer(b'{"action": 4}'))
    agent = agent_at(server)
    action, log = agent.act(OBSERVATION, CONFIGURATION, 5)
    assert (action, agent.verdict) == (4, None)
    assert isinstance(agent, Actor)
    assert 0 < log["duration"] < 5
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /play HTTP/1.1\r\n")
    assert f"Host: 127.0.0.1:{server.port}".encode() in head
    assert json.loads(body) == {
        "action": "act",
        "configuration": CONFIGURATION,
        "environment": "connectx",
        "state": {"observation": OBSERVATION},
    }


@pytest.mark.parametrize(
    "raw",
    [
        b'HTTP/1.0 200 OK\r\n\r\n{"action": [1, 2]}',
        b"HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n"
        b'8;x=y\r\n{"action\r\na\r\n": [1, 2]}\r\n0\r\n\r\n',
        b"HTTP/1.1 100 Continue\r\n\r\n" + answer(b'{"action": [1, 2]}'),
        answer(b'{"action": [1, 2], "more": null}', "200 OK", "Set-Cookie: a=b"),
    ],
)
def test_usual_forms_of_http_are_understood(serve, raw):
    assert agent_at(serve(raw)).act(OBSERVATION, CONFIGURATION, 5)[0] == [1, 2]


def test_each_move_is_a_request_of_its_own_without_cookies(serve):
    server = serve(answer(b'{"action": 4}', "200 OK", "Set-Cookie: session=1"))
    agent = agent_at(server)
    assert [agent.act(OBSERVATION, CONFIGURATION, 5)[0] for _ in range(3)] == [4, 4, 4]
    assert len(server.requests) == 3
    assert not any(b"cookie" in request.lower() for request in server.requests)


MISBEHAVIOUR = {
    "redirect": (answer(b"", "302 Found", "Location: http://169.254.169.254/"), "redirects"),
    "status": (answer(b"{}", "500 Oops"), "error status"),
    "no http": (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "did not answer in HTTP"),
    "silence": (b"", "did not answer in HTTP"),
    "folded header": (b"HTTP/1.1 200 OK\r\n a: b\r\n\r\n{}", "did not answer in HTTP"),
    "two lengths": (
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 9\r\n\r\n{}",
        "did not answer in HTTP",
    ),
    "negative length": (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "not answer in HTTP"),
    "short body": (b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"a', "not answer in HTTP"),
    "bad chunk": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "did not answer in HTTP",
    ),
    "large claim": (b"HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n\r\n", "too large"),
    "large body": (b"HTTP/1.0 200 OK\r\n\r\n" + b"x" * 200_000, "too large"),
    "large chunks": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        + (b"7530\r\n" + b"x" * 30_000 + b"\r\n") * 3,
        "too large",
    ),
    "large head": (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200_000, "head of the server's answer"),
    "compressed": (answer(b"x", "200 OK", "Content-Encoding: gzip"), "compressed"),
    "no json": (answer(b"<html>hello</html>"), "plain JSON"),
    "not a number": (answer(b'{"action": NaN}'), "plain JSON"),
    "nested": (answer(b'{"action": ' + b"[" * 900 + b"]" * 900 + b"}"), "plain JSON"),
    "no object": (answer(b"[1]"), "with an action"),
    "no action": (answer(b'{"move": 1}'), "with an action"),
    "reported fault": (answer(b'{"action": "BaseException::oh"}'), "raised an exception"),
    "reported late": (answer(b'{"action": "DeadlineExceeded"}'), "was too slow"),
}


@pytest.mark.parametrize(("raw", "words"), MISBEHAVIOUR.values(), ids=MISBEHAVIOUR)
def test_misbehaving_server_is_a_network_failure(serve, raw, words):
    server = serve(raw)
    message = failure(agent_at(server))
    assert words in message
    assert str(server.port) not in message
    assert len(server.requests) == 1, "asked again after a failure"


def test_nobody_listening_is_a_network_failure():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    agent = UrlAgent(f"http://127.0.0.1:{port}/", allow=["127.0.0.1"])
    assert "cannot be reached" in failure(agent)


def drip(connection: socket.socket, _: bytes) -> None:
    for byte in answer(b'{"action": 4}'):
        connection.sendall(bytes([byte]))
        time.sleep(0.05)


def dawdle(connection: socket.socket, _: bytes) -> None:
    time.sleep(3)


@pytest.mark.parametrize("handler", [drip, dawdle])
def test_one_deadline_holds_for_the_whole_exchange(serve, handler):
    agent = agent_at(serve(handler))
    started = time.monotonic()
    action, log = agent.act(OBSERVATION, CONFIGURATION, 0.3)
    assert 0.3 <= time.monotonic() - started < 0.8
    assert isinstance(action, DeadlineExceeded)
    assert "in time" in agent.verdict.message
    assert log["duration"] >= 0.3


def test_slow_resolver_counts_against_the_deadline(serve):
    agent = agent_at(serve(b""), resolve=lambda name: time.sleep(3) or [])
    started = time.monotonic()
    assert isinstance(agent.act(OBSERVATION, CONFIGURATION, 0.2)[0], DeadlineExceeded)
    assert time.monotonic() - started < 0.7


def test_name_is_looked_up_once_an_episode(serve):
    server = serve(answer(b'{"action": 4}'))
    asked = []

    def resolve(name):
        asked.append(name)
        return ["127.0.0.1"]

    agent = UrlAgent(
        f"http://agent.example:{server.port}/",
        allow=[f"127.0.0.0/8:{server.port}"],
        resolve=resolve,
    )
    assert [agent.act(OBSERVATION, CONFIGURATION, 5)[0] for _ in range(2)] == [4, 4]
    assert asked == ["agent.example"]
    assert f"Host: agent.example:{server.port}".encode() in server.requests[0]


def test_one_private_address_among_global_ones_is_refused(serve):
    server = serve(answer(b'{"action": 4}'))
    agent = UrlAgent(
        f"http://agent.example:{server.port}/", resolve=lambda name: ["8.8.8.8", "127.0.0.1"]
    )
    assert "public address" in failure(agent)
    assert server.requests == []


def test_unknown_name_is_a_network_failure():
    agent = UrlAgent("http://agent.example/", resolve=lambda name: [])
    assert "cannot be resolved" in failure(agent)


def test_loopback_is_refused_unless_allowed(serve):
    server = serve(answer(b'{"action": 4}'))
    assert "public address" in failure(agent_at(server, allow=[]))
    assert "public address" in failure(agent_at(server, allow=["127.0.0.1:1"]))
    assert server.requests == []


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "127.1", "localhost", "[::ffff:7f00:1]"])
def test_other_notations_of_loopback_are_refused(host):
    assert failure(UrlAgent(f"http://{host}/")).startswith("The ")


def test_untrusted_certificate_is_a_network_failure(serve, tmp_path):
    if not shutil.which("openssl"):
        pytest.skip("openssl makes the certificate")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1"
    subprocess.run(
        [*command.split(), "-subj", "/CN=127.0.0.1", "-keyout", key, "-out", certificate],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = serve(answer(b'{"action": 4}'), context)
    assert "no valid certificate" in failure(agent_at(server))
    assert server.requests == []


PRIVATE = [
    "127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "0.0.0.0", "224.0.0.1", "240.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1", "::1",
    "::", "fe80::1", "fc00::1", "fec0::1", "ff02::1", "ff0e::1", "2001:db8::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
    "2002:7f00:1::", "2001:0:1::1", "fe80::1%eth0", "nonsense",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_address_that_is_not_global_is_refused(address):
    assert not is_permitted(address, "agent.example", 80, [])


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "64:ff9b::808:808"])
def test_global_address_is_permitted(address):
    assert is_permitted(address, "agent.example", 80, [])


@pytest.mark.parametrize(
    ("entry", "address", "host", "port", "is_allowed"),
    [
        ("10.0.0.0/8", "10.1.2.3", "a", 80, True),
        ("10.0.0.0/8", "11.1.2.3", "a", 80, True),  # global anyway
        ("10.0.0.0/8", "192.168.1.1", "a", 80, False),
        ("10.0.0.0/8:8080", "10.1.2.3", "a", 80, False),
        ("10.0.0.0/8:8080", "10.1.2.3", "a", 8080, True),
        ("127.0.0.1:9", "127.0.0.1", "a", 9, True),
        ("127.0.0.1:9", "::ffff:127.0.0.1", "a", 9, True),
        ("127.0.0.1", "127.0.0.1", "a", 1234, True),
        ("localhost:9", "127.0.0.1", "LOCALHOST", 9, True),
        ("localhost:9", "127.0.0.1", "other", 9, False),
        ("[fd00::/8]:80", "fd12::1", "a", 80, True),
        ("[fd00::/8]:80", "fd12::1", "a", 81, False),
        ("fd00::/8", "fd12::1", "a", 81, True),
        ("0.0.0.0/0", "::1", "a", 80, False),
    ],
)
def test_allow_list_is_exact(entry, address, host, port, is_allowed):
    assert is_permitted(address, host, port, [Allowed.parse(entry)]) is is_allowed


@pytest.mark.parametrize("entry", ["", "a b", "http://x", "10.0.0.0/99/", "x:y", "[::1"])
def test_senseless_allow_entry_is_refused(entry):
    with pytest.raises(ValueError, match=r"not a network|neither a network"):
        Allowed.parse(entry)


@pytest.mark.parametrize(
    ("url", "host", "port", "path"),
    [
        ("http://agent.example", "agent.example", 80, "/"),
        ("https://agent.example/x?y=z#part", "agent.example", 443, "/x?y=z"),
        ("HTTPS://Agent.Example:8443/", "agent.example", 8443, "/"),
        ("http://[2606:4700::1111]:81/", "2606:4700::1111", 81, "/"),
    ],
)
def test_url_is_taken_apart(url, host, port, path):
    target = check_url(url)
    assert (target.host, target.port, target.path) == (host, port, path)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://agent.example/",
        "file:///etc/passwd",
        "gopher://x",
        "agent.example",
        "",
        "http://",
        "http:///path",
        "http://user:password@agent.example/",
        "http://user@agent.example/",
        "http://agent.example:0/",
        "http://agent.example:70000/",
        "http://agent.example:x/",
        "http://agent_example/",
        "http://agent.example/\r\nX: y",
        "http://agent.example/a b",
        "http://b\N{LATIN SMALL LETTER U WITH DIAERESIS}cher.example/",
        "http://[::1/",
        "http://agent.example/" + "x" * 2000,
    ],
)
def test_url_of_another_form_is_refused_with_a_sentence(url):
    with pytest.raises(ValueError, match=r"^The URL .*\.$"):
        check_url(url)

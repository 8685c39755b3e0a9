"""An agent behind a URL: that every misbehaviour of its server is named, and no move made up."""

import json
import resource
import socket
import time

import pytest

from evaluation.agent import Actor
from evaluation.errors import DeadlineExceeded
from evaluation.sandbox.errors import AgentFailed
from evaluation.url_agent import UrlAgent, check_url
from evaluation.verdict import NETWORK_ADVICE, Verdict
from tests.evaluation.certificates import HOST, trust, trusted
from tests.evaluation.remote import Server, agent_at, answer
from tests.evaluation.serving import OPENING

OBSERVATION = {"step": 3, "board": [0, 1], "remainingOverageTime": 60}
CONFIGURATION = {"actTimeout": 2}
FOUR = answer(b'{"action": 4}')


@pytest.fixture
def serve():
    servers = []

    def start(*arguments, **options):
        servers.append(Server(*arguments, **options))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def failure(agent: UrlAgent, deadline_s: float = 5.0) -> Verdict:
    action, log = agent.act(OBSERVATION, CONFIGURATION, deadline_s)
    assert isinstance(action, AgentFailed | DeadlineExceeded), action
    assert agent.verdict.code == "network_failure"
    assert agent.verdict.advice == NETWORK_ADVICE[agent.verdict.reason]
    assert agent.verdict.message in log["stderr"]
    again, _ = agent.act(OBSERVATION, CONFIGURATION, deadline_s)
    assert isinstance(again, Exception), "a failed agent must not play on"
    return agent.verdict


def test_server_is_asked_as_kaggle_asks(serve):
    server = serve(FOUR)
    agent = agent_at(server)
    action, log = agent.act(OBSERVATION, CONFIGURATION, 5)
    assert (action, agent.verdict) == (4, None)
    assert isinstance(agent, Actor)
    assert 0 < log["duration"] == log["wall"] < 5
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /play HTTP/1.1\r\n")
    assert f"Host: 127.0.0.1:{server.port}".encode() in head
    assert json.loads(body) == {
        "action": "act",
        "configuration": CONFIGURATION,
        "environment": "connectx",
        "state": {"observation": OBSERVATION},
    }


def test_each_move_is_a_request_of_its_own_without_cookies(serve):
    server = serve(answer(b'{"action": 4}', "200 OK", "Set-Cookie: session=1"))
    agent = agent_at(server)
    assert [agent.act(OBSERVATION, CONFIGURATION, 5)[0] for _ in range(3)] == [4, 4, 4]
    assert len(server.requests) == 3
    assert not any(b"cookie" in request.lower() for request in server.requests)


def test_proxies_and_credentials_of_the_environment_are_not_used(serve, monkeypatch, tmp_path):
    server, proxy = serve(FOUR), serve(answer(b'{"action": 5}'))
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login alice password secret\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert agent_at(server).act(OBSERVATION, CONFIGURATION, 5)[0] == 4
    assert proxy.connections == 0
    assert b"authorization" not in server.requests[0].lower()


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"<html>hello</html>", "not_json"),
        (b"", "not_json"),
        (b'{"action": NaN}', "not_json"),
        (b'{"action": 1e999}', "not_json"),
        (b'{"action": 9223372036854775808}', "not_json"),
        (b'{"action": ' + b"[" * 900 + b"]" * 900 + b"}", "not_json"),
        (b"[1]", "no_action"),
        (b'{"move": 1}', "no_action"),
        (b'{"action": "BaseException::oh"}', "agent_error"),
        (b'{"action": "DeadlineExceeded"}', "timeout"),
    ],
)
def test_answer_without_an_action_is_no_move(serve, body, reason):
    server = serve(answer(body))
    verdict = failure(agent_at(server))
    assert verdict.reason == reason
    assert str(server.port) not in verdict.message
    assert server.connections == 1, "asked again after a failure"


def test_exception_that_the_server_reports_is_for_the_owner_only(serve):
    verdict = failure(agent_at(serve(answer(b'{"action": "BaseException::at line 3"}'))))
    assert verdict.detail == "at line 3"
    assert "line 3" not in verdict.message


def test_nobody_listening_is_refused():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    agent = UrlAgent(f"http://127.0.0.1:{port}/", allow=["127.0.0.1"])
    assert failure(agent).reason == "refused"


def test_next_address_of_the_name_is_tried_where_one_refuses(serve):
    server = serve(FOUR)
    agent = UrlAgent(
        f"http://{HOST}:{server.port}/",
        allow=["127.0.0.0/8"],
        resolve=lambda name: ["127.0.0.99", "127.0.0.1"],
    )
    assert agent.act(OBSERVATION, CONFIGURATION, 5)[0] == 4


def test_server_at_an_ipv6_address_is_asked_there(serve):
    try:
        server = serve(FOUR, host="::1")
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    agent = UrlAgent(f"http://[::1]:{server.port}/", allow=[f"[::1]:{server.port}"])
    assert agent.act(OBSERVATION, CONFIGURATION, 5)[0] == 4
    assert f"Host: [::1]:{server.port}".encode() in server.requests[0]


def test_want_of_descriptors_is_our_fault_and_no_verdict(serve):
    agent = agent_at(serve(FOUR), resolve=lambda name: ["127.0.0.1"])
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, before[1]))
    try:
        with pytest.raises(OSError, match="open files"):
            agent.act(OBSERVATION, CONFIGURATION, 5)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert agent.verdict is None


def drip(connection: socket.socket, _: bytes) -> None:
    for byte in answer(b'{"action": 4}'):
        connection.sendall(bytes([byte]))
        time.sleep(0.05)


def dawdle(connection: socket.socket, _: bytes) -> None:
    time.sleep(3)


@pytest.mark.parametrize("is_tls", [False, True])
@pytest.mark.parametrize("handler", [drip, dawdle])
def test_one_deadline_holds_for_the_whole_exchange(serve, handler, is_tls):
    context = trusted().context("127.0.0.1") if is_tls else None
    with trust(trusted()):
        agent = agent_at(serve(handler, context))
        started = time.monotonic()
        action, log = agent.act(OBSERVATION, CONFIGURATION, 0.3)
    assert 0.3 <= time.monotonic() - started < 0.8
    assert isinstance(action, DeadlineExceeded)
    assert agent.verdict.reason == "timeout"
    assert log["duration"] >= 0.3


def test_request_that_nobody_reads_counts_against_the_deadline(serve):
    agent = agent_at(serve(dawdle, reads=False))
    started = time.monotonic()
    action, _ = agent.act({"board": [0] * 10_000_000}, CONFIGURATION, 0.6)
    assert isinstance(action, DeadlineExceeded)
    assert time.monotonic() - started < 1.5


def test_slow_resolver_counts_against_the_deadline(serve):
    agent = agent_at(serve(b""), resolve=lambda name: time.sleep(3) or [])
    started = time.monotonic()
    assert isinstance(agent.act(OBSERVATION, CONFIGURATION, 0.2)[0], DeadlineExceeded)
    assert "looked up" in agent.verdict.message
    assert time.monotonic() - started < 0.7


def test_name_is_looked_up_once_an_episode(serve):
    server = serve(FOUR)
    asked = []

    def resolve(name):
        asked.append(name)
        return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.2"]

    agent = UrlAgent(
        f"http://{HOST}:{server.port}/",
        allow=[f"127.0.0.0/8:{server.port}"],
        resolve=resolve,
    )
    assert [agent.act(OBSERVATION, CONFIGURATION, 5)[0] for _ in range(2)] == [4, 4]
    assert asked == [HOST]
    assert f"Host: {HOST}:{server.port}".encode() in server.requests[0]


@pytest.mark.parametrize(
    "addresses",
    [
        ["8.8.8.8", "127.0.0.1"],
        ["127.0.0.1", "8.8.8.8"],
        ["::ffff:127.0.0.1"],
        ["64:ff9b::7f00:1"],
        ["2002:7f00:1::"],
        ["8.8.8.8%lo"],
        ["localhost"],
    ],
)
def test_one_address_that_is_not_public_is_enough_to_be_refused(serve, addresses):
    server = serve(FOUR)
    agent = UrlAgent(f"http://{HOST}:{server.port}/", resolve=lambda name: addresses)
    assert failure(agent).reason == "forbidden_address"
    assert server.connections == 0


def test_unknown_name_is_unresolved():
    assert failure(UrlAgent(f"http://{HOST}/", resolve=lambda name: [])).reason == "unresolved"


def test_loopback_is_refused_unless_allowed(serve):
    server = serve(FOUR)
    assert failure(agent_at(server, allow=[])).reason == "forbidden_address"
    assert failure(agent_at(server, allow=["127.0.0.1:1"])).reason == "forbidden_address"
    assert server.connections == 0


@pytest.mark.parametrize(
    "host", ["2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "127.1", "0", "localhost",
             "127.0.0.1.", "[::1]", "[::ffff:7f00:1]", "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]"]
)  # fmt: skip
def test_other_notations_of_loopback_are_refused(host):
    verdict = failure(UrlAgent(f"http://{host}/"))
    assert verdict.reason in ("forbidden_address", "unresolved")


def test_redirect_is_not_followed(serve):
    trap = serve(FOUR)
    server = serve(answer(b"", "307 Temporary Redirect", f"Location: {trap.url}"))
    assert failure(agent_at(server, allow=["127.0.0.1"])).reason == "redirect"
    assert (server.connections, trap.connections) == (1, 0)


class TestThinkTime:
    def test_reported_think_time_is_kept_apart_from_the_round_trip(self, serve):
        def think(connection, _):
            time.sleep(0.05)
            connection.sendall(answer(b'{"action": 4}', "200 OK", "Server-Timing: think;dur=20"))

        _, log = agent_at(serve(think)).act(OBSERVATION, CONFIGURATION, 5)
        assert log["think"] == 0.02
        assert log["duration"] >= 0.05

    def test_think_time_beyond_the_round_trip_is_not_believed(self, serve):
        raw = answer(b'{"action": 4}', "200 OK", "Server-Timing: think;dur=60000")
        assert "think" not in agent_at(serve(raw)).act(OBSERVATION, CONFIGURATION, 5)[1]

    def test_server_that_says_nothing_has_none(self, serve):
        agent = agent_at(serve(FOUR))
        assert "think" not in agent.act(OBSERVATION, CONFIGURATION, 5)[1]

    def test_http_server_of_the_engine_reports_it(self, serving):
        url = f"{serving.url}/?agents[]=random"
        agent = UrlAgent(url, environment="connectx", allow=["127.0.0.1"])
        action, log = agent.act(OPENING, {}, 60)
        assert action in range(7)
        assert 0 < log["think"] < log["duration"]


def test_signature_goes_with_the_body_that_it_is_for(serve):
    server = serve(FOUR)
    agent = agent_at(server, signer=lambda body: {"webhook-signature": f"v1a,{len(body)}"})
    agent.act(OBSERVATION, CONFIGURATION, 5)
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert f"\r\nwebhook-signature: v1a,{len(body)}\r\n".encode() in head + b"\r\n"


def test_signer_that_fails_is_our_fault_and_no_verdict(serve):
    def fail(body):
        raise PermissionError("the key")

    agent = agent_at(serve(FOUR), signer=fail)
    with pytest.raises(PermissionError):
        agent.act(OBSERVATION, CONFIGURATION, 5)
    assert agent.verdict is None


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
        "http://agent..example/",
        "http://.agent.example/",
        "http://" + "x" * 64 + ".example/",
        "http://agent.example\\@127.0.0.1/",
        "http://[::1%25lo]/",
        "http://:80/",
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

"""TLS: by the name in the URL, against the authorities of the system or an organiser's."""

import ssl
from typing import Any

import pytest

from evaluation.sandbox.errors import AgentFailed
from evaluation.url_agent import UrlAgent
from tests.evaluation.certificates import HOST, Authority, trust, trusted
from tests.evaluation.remote import Server, answer

FOUR = answer(b'{"action": 4}')


def play(
    context: ssl.SSLContext | None, host: str = HOST, raw: bytes = FOUR, reads: bool = True
) -> tuple[UrlAgent, Any, Server]:
    """The agent at a server with this context, its first action, the server."""
    with Server(raw, context, reads) as server, trust(trusted()):
        agent = UrlAgent(
            f"https://{host}:{server.port}/",
            allow=["127.0.0.1"],
            resolve=lambda name: ["127.0.0.1"],
        )
        return agent, agent.act({"board": [0]}, {}, 5)[0], server


@pytest.mark.parametrize("host", [HOST, f"{HOST}.", "127.0.0.1"])
def test_certificate_for_the_name_in_the_url_is_taken(host):
    agent, action, server = play(trusted().context(host.removesuffix(".")), host)
    assert (action, agent.verdict) == (4, None)
    assert len(server.requests) == 1


def test_answer_without_a_farewell_of_tls_is_taken():
    raw = b'HTTP/1.1 200 OK\r\n\r\n{"action": ' + b" " * 50_000 + b"4}"
    assert play(trusted().context(HOST), raw=raw)[1] == 4


@pytest.mark.parametrize(
    ("context", "words"),
    [
        (lambda: trusted().context("other.example"), "for another name"),
        (lambda: trusted().context("127.0.0.1"), "for another name"),
        (lambda: trusted().context(HOST, first_day=-3, last_day=-1), "has expired"),
        (lambda: trusted().context(HOST, first_day=1, last_day=2), "not valid yet"),
        (lambda: Authority("Somebody").context(HOST), "not signed by a known authority"),
        (lambda: Authority(HOST).own_context(), "not signed by a known authority"),
    ],
    ids=["other name", "its address", "expired", "early", "unknown authority", "self-signed"],
)
def test_wrong_certificate_is_named_and_nothing_is_sent(context, words):
    agent, action, server = play(context())
    assert isinstance(action, AgentFailed)
    assert agent.verdict.reason == "tls"
    assert words in agent.verdict.message
    assert server.requests == []


def test_server_without_tls_is_named():
    agent, _, _ = play(None, reads=False)
    assert agent.verdict.reason == "tls"
    assert "does not speak TLS" in agent.verdict.message


def test_plain_request_to_a_server_with_tls_is_no_http():
    with Server(FOUR, trusted().context(HOST)) as server:
        agent = UrlAgent(f"http://127.0.0.1:{server.port}/", allow=["127.0.0.1"])
        agent.act({}, {}, 5)
    assert agent.verdict.reason in ("not_http", "broken")

"""Each hostile server of a URL agent must come out as its header says, and harm nobody."""

import os
import re
import ssl
import tracemalloc
import warnings
from dataclasses import dataclass
from typing import Any

import pytest

from evaluation.match import AgentSpec, EpisodeResult, EpisodeSpec, play_episode
from evaluation.verdict import ADVICE, NETWORK_ADVICE
from tests.evaluation.certificates import Authority, trust, trusted
from tests.evaluation.remote import Server
from tests.evaluation.serving import eventually
from tests.hostile.servers import HOST, Hostile, all_servers

BANK_S = 0.2
SLACK_S = 0.5
MEMORY_BYTES = 4 * 1024**2
SERVERS = all_servers()
# One of each kind; all the others run in the long suite.
as_parameters = [
    pytest.param(one, marks=() if one.is_quick else pytest.mark.slow, id=one.name)
    for one in SERVERS
]


def old_protocol() -> ssl.SSLContext:
    context = trusted().context(HOST)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context


def many_tickets() -> ssl.SSLContext:
    context = trusted().context(HOST)
    context.num_tickets = 10_000
    return context


CERTIFICATES = {
    "valid": lambda: trusted().context(HOST),
    "self-signed": lambda: Authority(HOST).own_context(),
    "expired": lambda: trusted().context(HOST, first_day=-3, last_day=-1),
    "early": lambda: trusted().context(HOST, first_day=1, last_day=2),
    "misnamed": lambda: trusted().context("other.example"),
    "unknown": lambda: Authority("Somebody").context(HOST),
    "old protocol": old_protocol,
    "tickets": many_tickets,
}


@dataclass(frozen=True)
class Outcome:
    result: EpisodeResult
    connections: int
    deadline_s: float
    peak_bytes: int

    @property
    def verdict(self) -> dict[str, str] | None:
        return self.result.verdicts[0]


def play(hostile: Hostile) -> Outcome:
    """A game against a built-in opponent, which moves second."""
    context = CERTIFICATES[hostile.certificate]() if hostile.certificate else None
    act_s = 0.2 if hostile.expected == "timeout" else 5.0
    # A server that does not read speaks, or breaks, TLS by itself.
    with Server(hostile.handler, context if hostile.reads else None, hostile.reads) as server:
        scheme = "https" if hostile.certificate else "http"
        spec = EpisodeSpec(
            environment="tictactoe",
            configuration={"actTimeout": act_s, "remainingOverageTime": BANK_S},
            agents=[
                AgentSpec(f"{scheme}://{hostile.host}:{server.port}/play", "url"),
                AgentSpec("random", "builtin"),
            ],
            seed=1,
            url_allow=[f"127.0.0.1:{server.port}"] if hostile.is_allowed else [],
            resolve=resolver(hostile),
        )
        tracemalloc.start()
        try:
            with trust(trusted()):
                result = play_episode(spec)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        return Outcome(result, server.connections, act_s + BANK_S, peak)


def resolver(hostile: Hostile) -> Any:
    """Gives its answers one after the other, and the last one from then on."""
    answers = list(hostile.addresses)
    if not answers:
        return None
    return lambda name: answers.pop(0) if len(answers) > 1 else answers[0]


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.parametrize("hostile", as_parameters)
def test_hostile_server_comes_out_as_it_must(hostile):
    before = open_files()
    outcome = play(hostile)
    check_verdict(hostile, outcome)
    check_opponent(outcome)
    assert max(outcome.result.timings[0]) < outcome.deadline_s + SLACK_S
    assert outcome.peak_bytes < MEMORY_BYTES
    assert eventually(lambda: open_files() <= before, 5), "descriptors were left"


def check_verdict(hostile: Hostile, outcome: Outcome) -> None:
    verdict, status = outcome.verdict, outcome.result.statuses[0]
    if hostile.expected == "plays":
        assert (verdict, status) == (None, "DONE")
        assert all(entry.get("think") is None for entry in outcome.result.step_logs[0])
        return
    assert verdict is not None
    is_network = hostile.expected in NETWORK_ADVICE
    code, reason = ("network_failure", hostile.expected) if is_network else (hostile.expected, "")
    assert (verdict["code"], verdict["reason"]) == (code, reason), verdict
    assert code in ADVICE
    assert status == {"timeout": "TIMEOUT", "invalid_action": "INVALID"}.get(
        reason or code, "ERROR"
    )
    assert re.fullmatch(r"Move 1: [^<>]{10,490}", verdict["message"])
    assert outcome.connections <= 1, "asked again after a failure"
    if hostile.expected in ("forbidden_address", "unresolved"):
        assert outcome.connections == 0


def check_opponent(outcome: Outcome) -> None:
    result = outcome.result
    assert result.statuses[1] == "DONE"
    assert result.verdicts[1] is None
    assert result.overage[1] == BANK_S, "the opponent was charged"
    if outcome.verdict:
        assert (result.rewards[0], result.scores) == (None, [0.0, 1.0])


def test_suite_has_a_header_for_each_server_and_no_name_twice():
    assert len(SERVERS) == len({one.name for one in SERVERS}) >= 30
    assert {one.expected for one in SERVERS} >= NETWORK_ADVICE.keys() - {"refused"}

"""Each hostile agent must come out as its header says, and harm nobody."""

import json
import os
from pathlib import Path

import pytest

from evaluation.sandbox.limits import MIB
from tests.hostile.boxes import (
    HEADER,
    SYSTEM_PYTHON,
    Outcome,
    agents_in,
    as_ordinary_user,
    expected,
    play,
)

AGENTS = agents_in("agents")
# One of each kind; all the others run in the long suite.
SAMPLE = {
    "actions": "lies_about_its_class",
    "agents": "reads_its_opponent",
    "calls": "escapes_by_system_calls",
    "descriptors": "looks_through_descriptors",
    "environment": "searches_its_memory",
    "exits": "crashes",
    "files": "steals_secrets",
    "ipc": "leases_shared_files",
    "memory": "fills_tmp",
    "network": "sends_datagrams",
    "output": "answers_twice",
    "processes": "fork_bomb",
    "runtime": "patches_the_runtime",
    "signals": "signals_every_process",
    "time": "endless_native_loop",
}
# What the box does not hold back, or names wrongly, so far.
HOLES: dict[str, str] = {}

OPPONENT_S = 0.1  # charged for a move that takes a fraction of a millisecond
MEMORY_SLACK = 8 * MIB  # what the allocator keeps of frames, logs and tracebacks
DESCRIPTOR_SLACK = 3  # of a zygote that warms up to succeed the one in use: control, uid, output
LOG_CHARS = 100_000


def marks_of(agent: Path) -> list[pytest.MarkDecorator]:
    marks = [] if SAMPLE[agent.parent.name] == agent.stem else [pytest.mark.slow]
    if agent.stem in HOLES:
        marks.append(pytest.mark.xfail(strict=True, reason=HOLES[agent.stem]))
    return marks


as_parameters = [
    pytest.param(agent, id=f"{agent.parent.name}-{agent.stem}", marks=marks_of(agent))
    for agent in AGENTS
]


def judge(agent: Path, outcome: Outcome) -> None:
    expectation = expected(agent)
    assert outcome.code in expectation.codes, outcome
    if outcome.code == "plays":
        action = json.dumps(outcome.action, separators=(",", ":"))
        assert action == expectation.action, outcome
    assert outcome.leaks == [], "a secret shows"
    assert outcome.harm == [], "what is the worker's was used or changed"
    assert outcome.opponent == [10, 11], "the opponent was harmed"
    assert max(outcome.opponent_seconds) < OPPONENT_S, "the opponent was charged"
    judge_words(outcome)
    judge_worker(outcome)


def judge_words(outcome: Outcome) -> None:
    """What strangers chose is bounded, storable, and no markup where everybody sees it."""
    assert "<" not in outcome.message
    assert len(outcome.message) < 500
    assert len(outcome.logs) + len(outcome.detail) < LOG_CHARS
    (outcome.logs + outcome.detail + outcome.message).encode()
    assert "\0" not in outcome.logs + outcome.detail + outcome.message


def judge_worker(outcome: Outcome) -> None:
    assert outcome.survivors == [], "processes were left"
    assert outcome.added.descriptors <= DESCRIPTOR_SLACK, "descriptors were left"
    assert outcome.added.resident_bytes < MEMORY_SLACK, "the worker has grown"


@pytest.mark.parametrize("agent", as_parameters)
def test_hostile_agent_harms_nobody(agent, open_folder):
    judge(agent, play(agent, open_folder))


@pytest.mark.skipif(os.geteuid() != 0, reason="the test above runs as an ordinary user already")
@pytest.mark.parametrize("agent", as_parameters)
def test_hostile_agent_harms_nobody_as_ordinary_user(agent, open_folder):
    judge(agent, as_ordinary_user(lambda: play(agent, open_folder, SYSTEM_PYTHON)))


def test_every_kind_has_its_sample():
    assert {(agent.parent.name, agent.stem) for agent in AGENTS} >= set(SAMPLE.items())
    assert {agent.parent.name for agent in AGENTS} == set(SAMPLE)


def test_every_agent_says_in_its_first_line_what_it_tries():
    headers = [expected(agent) for agent in AGENTS]
    assert len(headers) >= 100
    names = [agent.stem for agent in AGENTS]
    assert len(set(names)) == len(names)
    assert HEADER.match("import os\n") is None

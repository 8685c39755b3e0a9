"""Each hostile agent must come out as its header says, and harm nobody."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from tests.hostile.boxes import (
    AGENTS,
    SYSTEM_PYTHON,
    Outcome,
    as_ordinary_user,
    expected,
    play,
)

# One of each kind; all the others run in the long suite.
SAMPLE = {"endless_native_loop", "fork_bomb", "steals_secrets", "fills_tmp", "reaches_out"}
as_parameters = [
    pytest.param(agent, marks=() if agent.stem in SAMPLE else pytest.mark.slow, id=agent.stem)
    for agent in AGENTS
]


@pytest.fixture
def open_folder():
    """A folder that an ordinary user can enter, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="palaestra-hostile-"))
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder)


def judge(agent: Path, outcome: Outcome) -> None:
    code, action = expected(agent)
    assert outcome.code == code, outcome
    assert outcome.action == action
    assert outcome.opponent == [10, 11], "the opponent was harmed"
    assert outcome.survivors == [], "processes were left"
    assert "<" not in outcome.message
    assert len(outcome.logs) + len(outcome.detail) < 100_000


@pytest.mark.parametrize("agent", AGENTS, ids=lambda agent: agent.stem)
def test_hostile_agent_harms_nobody(agent, tmp_path):
    judge(agent, play(agent, tmp_path))


@pytest.mark.skipif(os.geteuid() != 0, reason="the test above runs as an ordinary user already")
@pytest.mark.parametrize("agent", as_parameters)
def test_hostile_agent_harms_nobody_as_ordinary_user(agent, open_folder):
    readable = open_folder / agent.name
    shutil.copyfile(agent, readable)
    judge(agent, as_ordinary_user(lambda: play(readable, open_folder, SYSTEM_PYTHON)))

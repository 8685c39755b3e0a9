"""What honest agents do must still work in a box that holds hostile ones."""

import json
import os

import pytest

from evaluation.sandbox.process import AgentProcess
from tests.hostile.boxes import (
    HERE,
    LIMITS,
    LONG_S,
    SYSTEM_PYTHON,
    agents_in,
    as_ordinary_user,
    expected,
    play,
)

AGENTS = agents_in("honest")
RANDOM = HERE / "honest" / "random_numbers.py"
NEEDS_NUMPY = {"numpy_linear_algebra"}
as_parameters = [pytest.param(agent, id=agent.stem) for agent in AGENTS]


def judge(agent, outcome):
    assert outcome.code == "plays", outcome
    action = expected(agent).action
    if action:
        assert json.loads(json.dumps(outcome.action)) == json.loads(action)
    assert outcome.opponent == [10, 11]


@pytest.mark.parametrize("agent", as_parameters)
def test_honest_agent_plays(agent, open_folder):
    judge(agent, play(agent, open_folder))


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="the test above runs as an ordinary user already")
@pytest.mark.parametrize("agent", as_parameters)
def test_honest_agent_plays_as_ordinary_user(agent, open_folder):
    if agent.stem in NEEDS_NUMPY:
        pytest.skip("the system's interpreter has no NumPy")
    judge(agent, as_ordinary_user(lambda: play(agent, open_folder, SYSTEM_PYTHON)))


def test_no_two_clones_draw_the_same_numbers():
    """Neither two seats of an episode, nor two episodes, nor two moves."""
    drawn = []
    for _ in range(2):
        with AgentProcess(RANDOM, LIMITS) as one, AgentProcess(RANDOM, LIMITS) as other:
            for box in (one, other):
                first, second = (box.act({"step": step}, {}, LONG_S)[0] for step in range(2))
                assert first[0] == second[0], "what was drawn at import stays"
                drawn += [*first, *second[1:]]
    assert len(drawn) > 40
    assert len(set(drawn)) == len(drawn)


def test_every_kind_of_honest_work_is_tried():
    assert len(AGENTS) >= 22
    assert {agent.stem for agent in AGENTS} >= {*NEEDS_NUMPY, RANDOM.stem}

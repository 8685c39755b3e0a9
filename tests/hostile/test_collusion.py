"""Two seats that want to talk to each other must not be able to, nor to their next episode."""

import os

import pytest

from tests.hostile.boxes import (
    SYSTEM_PYTHON,
    agents_in,
    as_ordinary_user,
    expected,
    play_pair,
)

PAIRS = agents_in("pairs")
SAMPLE = "files_of_tmp"
FUTEX = "who waits at a page of a shared file is known by that page; the frozen do not wait"
# Roads that are open so far, by name and whether the seats may think in each other's turns.
HOLES = {
    ("futexes", True): FUTEX,
    ("ends_of_threads", True): FUTEX,
}


def as_parameters(*modes: bool) -> list[object]:
    cases = []
    for agent in PAIRS:
        for pondering in modes:
            marks = [] if agent.stem == SAMPLE else [pytest.mark.slow]
            if (agent.stem, pondering) in HOLES:
                reason = HOLES[agent.stem, pondering]
                marks.append(pytest.mark.xfail(strict=True, reason=reason))
            name = f"{agent.stem}-{'pondering' if pondering else 'frozen'}"
            cases.append(pytest.param(agent, pondering, id=name, marks=marks))
    return cases


@pytest.mark.parametrize(("agent", "pondering"), as_parameters(False, True))
def test_seats_do_not_hear_each_other(agent, pondering, open_folder):
    assert expected(agent).action == "0"
    assert play_pair(agent, open_folder, pondering) == [[0, 0]] * 4


@pytest.mark.skipif(os.geteuid() != 0, reason="the test above runs as an ordinary user already")
@pytest.mark.parametrize(("agent", "pondering"), as_parameters(False))
def test_seats_do_not_hear_each_other_as_ordinary_user(agent, pondering, open_folder):
    actions = as_ordinary_user(lambda: play_pair(agent, open_folder, pondering, SYSTEM_PYTHON))
    assert actions == [[0, 0]] * 4

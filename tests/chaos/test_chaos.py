"""A league is disturbed in every way at once, and its books still add up."""

import random
import time

import pytest

from tests.chaos.books import Books
from tests.chaos.league import League
from tests.stack import wait_for

pytestmark = pytest.mark.timeout(240)


def test_killed_processes_lose_and_double_nothing(league: League) -> None:
    rng = random.Random(1)
    for _ in range(5):
        time.sleep(rng.random() * 2)
        name = rng.choice(["evaluation-1", "league", "redis", "web", "beat"])
        league.note(f"kill {name}")
        league.kill(name)
    wait_for(lambda: league.count_rated() >= 30, 60)
    league.stop_pairing()
    league.wait_until_quiet(180)
    Books(league).check()

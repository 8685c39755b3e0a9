"""A league is disturbed in every way at once, and its books still add up."""

import os
import random
import time
from collections.abc import Sequence

import pytest
import redis

from league.models import Match
from tests.chaos.books import Books
from tests.chaos.disturbances import (
    KILLS,
    OTHERS,
    Disturbance,
    lock_database_for_long,
    restart_one_by_one,
    set_clock_ahead,
)
from tests.chaos.league import League
from tests.chaos.uploads import Clients
from tests.stack import wait_for


def plan(rng: random.Random, kills: int, rounds: int) -> list[Disturbance]:
    """So many kills, of each kind as many as can be, and rounds of all else, in random order."""
    kinds = rng.sample(KILLS, len(KILLS))
    drawn = [kinds[number % len(kinds)] for number in range(kills)] + [*OTHERS] * rounds
    rng.shuffle(drawn)
    return drawn


def disturb(
    league: League, planned: Sequence[Disturbance], rng: random.Random, pause_s: float
) -> None:
    for disturbance in planned:
        time.sleep(rng.uniform(0, pause_s))
        league.wait_until_up()
        try:
            league.note(disturbance(league, rng))
        except redis.RedisError as error:  # it was killed a moment ago and reads its log
            league.note(f"{disturbance.__name__}: {error}")


@pytest.fixture
def rng(league: League) -> random.Random:
    """A new seed each time; CHAOS_SEED=N plays one again."""
    seed = int(os.environ.get("CHAOS_SEED") or random.randrange(10**6))
    league.note(f"seed {seed}")
    return random.Random(seed)


@pytest.mark.timeout(240)
def test_short_chaos_loses_and_doubles_nothing(league: League, rng: random.Random) -> None:
    """Limits that take minutes are reached by setting the clock ahead."""
    clients = Clients(league, agents_each=2, pause_s=4)
    clients.start()
    disturb(league, plan(rng, kills=5, rounds=1), rng, pause_s=0.7)
    disturb(league, [set_clock_ahead], rng, pause_s=0)
    if not rests(league, clients, matches=30, seconds=30):
        disturb(league, [set_clock_ahead], rng, pause_s=0)
        assert rests(league, clients, matches=30, seconds=60)
    check(league, clients)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_long_chaos_loses_and_doubles_nothing(league: League, rng: random.Random) -> None:
    """Twenty kills among two hundred matches; every limit is waited for as it is."""
    clients = Clients(league, agents_each=8, pause_s=8)
    clients.start()
    planned = plan(rng, kills=20, rounds=2)
    planned.insert(rng.randrange(len(planned)), lock_database_for_long)
    disturb(league, planned, rng, pause_s=3)
    assert rests(league, clients, matches=200, seconds=1200)
    check(league, clients)


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_rolling_restart_gives_up_no_match(league: League, rng: random.Random) -> None:
    clients = Clients(league, agents_each=1, pause_s=0)
    clients.start()
    wait_for(lambda: league.count_rated() >= 10, 60)
    disturb(league, [restart_one_by_one], rng, pause_s=1)
    assert rests(league, clients, matches=30, seconds=60)
    check(league, clients)
    assert not league.rows(Match).filter(state="ABORTED").exists()


def rests(league: League, clients: Clients, matches: int, seconds: float) -> bool:
    """Whether so many matches were played, and all has come to its end, within the time."""

    def is_over() -> bool:
        if league.count_rated() >= matches and clients.are_done():
            league.stop_pairing()
        return clients.are_done() and league.is_quiet()

    league.wait_until_up()
    try:
        wait_for(is_over, seconds)
    except AssertionError:
        league.note(f"unfinished: {league.unfinished()}; refused: {clients.refusals[-3:]}")
        return False
    return True


def check(league: League, clients: Clients) -> None:
    league.note(f"{league.count_rated()} matches, restarts {dict(league.supervisor.restarts)}")
    clients.stop()
    clients.check()
    Books(league).check()
    league.note("the books add up")

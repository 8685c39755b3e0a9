"""What happens to a league in bad times. Each function does one thing and says what it did."""

import contextlib
import json
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any

import redis
from django.db import OperationalError, connections

from evaluation import broker
from tests.chaos.league import DATABASE, NAMES, QUEUES, WORKERS, League
from tests.chaos.stamps import shift_expiries, shift_stamps
from tests.stack import wait_for

Disturbance = Callable[[League, random.Random], str]
RESULT = "league.record_result"
PATIENCE_S = 2.0  # for something that may not come: perhaps nothing is played just now
MOMENT_S = 0.05
GRACE_S = 10.0  # league.run.processes.Process.stop_wait_s


# Processes are killed, never asked.


def kill_evaluation_worker(league: League, rng: random.Random) -> str:
    return _kill(league, rng.choice(WORKERS))


def kill_child_of_evaluation_worker(league: League, rng: random.Random) -> str:
    """The one that plays, or one of those between it and the agents, which are cloned from them."""
    name = rng.choice(WORKERS)
    _await(lambda: league.own_processes_of(name))
    between = league.own_processes_of(name)
    _kill_pids(rng.sample(between, min(1, len(between))))
    return f"killed one of {len(between)} processes below {name}"


def kill_league_worker(league: League, rng: random.Random) -> str:
    return _kill(league, "league")


def kill_league_worker_at_a_result(league: League, rng: random.Random) -> str:
    """In the moment in which it records: a result is taken from the queue and not yet a row."""
    with league.standing_still("league"):
        waiting = _wait_for_result(league)
    time.sleep(rng.uniform(0, MOMENT_S))
    return f"{_kill(league, 'league')} at {len(waiting)} results"


def kill_beat(league: League, rng: random.Random) -> str:
    return _kill(league, "beat")


def kill_web(league: League, rng: random.Random) -> str:
    """While it takes an upload in, if there is one: all of it, or one of its processes."""
    _await(league.is_uploading.is_set)
    pids = [league.stack.processes["web"].pid, *league.children_of("web")]
    time.sleep(rng.uniform(0, MOMENT_S))
    hit = rng.choice([pids, rng.sample(pids, 1)])
    _kill_pids(hit)
    return f"killed {len(hit)} of {len(pids)} processes of web"


def kill_redis(league: League, rng: random.Random) -> str:
    return _kill(league, "redis")


def _kill(league: League, name: str) -> str:
    _kill_pids([league.stack.processes[name].pid])
    return f"killed {name}"


def _kill_pids(pids: Sequence[int]) -> None:
    """These alone: what they started must end by itself."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def restart_one_by_one(league: League, rng: random.Random) -> str:
    """As for an update: each is asked to end, has supervisord's patience, and starts again."""
    forced = []
    for name in NAMES:
        process = league.stack.processes[name]
        process.terminate()
        try:
            process.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            forced.append(name)
            process.kill()
        wait_for(lambda name=name, old=process: league.stack.processes[name] is not old, 60, name)
        league.wait_until_up()
    return f"restarted all, {forced or 'none'} by force"


# Messages come again, in another order, or not at all.


def repeat_messages(league: League, rng: random.Random) -> str:
    """What waits is there five times, and some of what was delivered long ago comes again."""
    with _queues_filled(league, rng):
        league.remember_messages()
        again = league.messages * 5
        again += rng.sample(league.old_messages, min(30, len(league.old_messages)))
        for queue, body in again:
            league.stack.client().rpush(queue, body)
    return f"delivered {len(again)} messages again"


def shuffle_messages(league: League, rng: random.Random) -> str:
    with _queues_filled(league, rng):
        lengths = [_shuffle(league.stack.client(), queue, rng) for queue in QUEUES]
    return f"shuffled queues of {lengths} messages"


def _shuffle(client: "redis.Redis", queue: str, rng: random.Random) -> int:
    """In one transaction, or a message that comes in the meantime would be lost."""

    def rewrite(pipe: Any) -> int:
        bodies = pipe.lrange(queue, 0, -1)
        rng.shuffle(bodies)
        pipe.multi()
        pipe.delete(queue)
        for body in bodies:
            pipe.rpush(queue, body)
        return len(bodies)

    return int(client.transaction(rewrite, queue, value_from_callable=True))


@contextlib.contextmanager
def _queues_filled(league: League, rng: random.Random) -> Iterator[None]:
    """Nobody takes a message, and in front of either kind of worker some have piled up."""
    is_full = {
        ("league",): lambda: len(_results(league)) >= 2,
        WORKERS: lambda: league.stack.client().llen(broker.RATED_QUEUE) >= 2,
    }
    first, second = rng.sample([*is_full], 2)
    with league.standing_still(*first):
        _await(is_full[first])
        with league.standing_still(*second):
            yield


def lose_results(league: League, rng: random.Random) -> str:
    """The worker has answered, and the answer never arrives."""
    with league.standing_still("league"):
        found = _wait_for_result(league, 4 * PATIENCE_S)
        lost = sum(league.stack.client().lrem("league", 0, body) for body in found)
    return f"lost {lost} results"


def _wait_for_result(league: League, seconds: float = PATIENCE_S) -> list[str]:
    """The results that stand in the queue, as soon as there are any; perhaps none after a while."""
    _await(lambda: _results(league), seconds)
    return _results(league)


def _results(league: League) -> list[str]:
    bodies = league.stack.client().lrange("league", 0, -1)
    return [body for body in bodies if json.loads(body)["headers"]["task"] == RESULT]


def _await(check: Callable[[], object], seconds: float = PATIENCE_S) -> None:
    deadline = time.monotonic() + seconds
    while not check() and time.monotonic() < deadline:
        time.sleep(0.01)


def empty_redis(league: League, rng: random.Random) -> str:
    """Redis comes back with nothing of what it held: no queue, no claim, no lease."""
    league.stack.client().flushall()
    return "emptied Redis"


# The database and the clock


def lock_database(league: League, rng: random.Random) -> str:
    seconds = rng.uniform(2, 4)
    with _locked():
        time.sleep(seconds)
    return f"locked the database for {seconds:.1f} s"


def lock_database_for_long(league: League, rng: random.Random) -> str:
    """For longer than anybody waits for a lock."""
    with _locked():
        time.sleep(25)
    return "locked the database for 25 s"


@contextlib.contextmanager
def _locked() -> Iterator[None]:
    connection = connections[DATABASE]
    is_sqlite = connection.vendor == "sqlite"
    with connection.cursor() as cursor:
        if is_sqlite:
            cursor.execute("BEGIN EXCLUSIVE")
        else:
            _lock_tables(cursor)
        try:
            yield
        finally:
            cursor.execute("ROLLBACK")


def _lock_tables(cursor: Any) -> None:
    """Again, where PostgreSQL ends our wait to end a circle of waits."""
    while True:
        cursor.execute("BEGIN")
        try:
            cursor.execute("LOCK TABLE league_match, league_attempt IN ACCESS EXCLUSIVE MODE")
            return
        except OperationalError:
            cursor.execute("ROLLBACK")


def set_clock_back(league: League, rng: random.Random) -> str:
    """All that was written down comes to lie an hour ahead."""
    shift_stamps(timedelta(hours=1), DATABASE)
    shift_expiries(league.stack.client(), 3600)
    return "set the clock back by an hour"


def set_clock_ahead(league: League, rng: random.Random) -> str:
    """An hour passes at once: every limit is reached by whoever is under way."""
    shift_stamps(timedelta(hours=-1), DATABASE)
    shift_expiries(league.stack.client(), -3600)
    return "set the clock ahead by an hour"


KILLS: tuple[Disturbance, ...] = (
    kill_evaluation_worker,
    kill_child_of_evaluation_worker,
    kill_league_worker,
    kill_league_worker_at_a_result,
    kill_beat,
    kill_web,
    kill_redis,
)
OTHERS: tuple[Disturbance, ...] = (
    repeat_messages,
    shuffle_messages,
    lose_results,
    empty_redis,
    lock_database,
    set_clock_back,
)

"""What evaluation workers and the league tell each other through Redis, beside Celery's messages.

An attempt is claimed once (`claim`), so a message delivered five times is played once; while it is
played its lease is renewed, so that the league sees within seconds that a worker has vanished.
"""

import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import redis

# A team's first submission goes before all, other validations before rated matches. Workers serve
# them in the order of their names: kombu forgets the order in which they are listed.
FIRST_QUEUE, VALIDATION_QUEUE, RATED_QUEUE = QUEUES = ("1-first", "2-validation", "3-rated")
LEASE_S = 10
FINISHED_S = 120
CLAIM_S = 86_400
WORKER_BEAT_S = 5
WORKER_TTL_S = 15
VERSION_KEY = "palaestra:version"
PLAYING, FINISHED = "playing", "finished"


def broker_url(redis_url: str) -> str:
    """Celery's spelling of a Redis URL: a Unix socket is redis+socket:// there."""
    return re.sub(r"^unix://", "redis+socket://", redis_url)


def connect(redis_url: str) -> "redis.Redis":
    """A client that answers or fails within two seconds."""
    return redis.Redis.from_url(
        redis_url, decode_responses=True, socket_timeout=2, socket_connect_timeout=2
    )


def claim_key(attempt: int | str) -> str:
    return f"palaestra:claim:{attempt}"


def lease_key(attempt: int | str) -> str:
    return f"palaestra:lease:{attempt}"


def worker_key(name: str) -> str:
    return f"palaestra:worker:{name}"


def claim(client: "redis.Redis", attempt: int, worker: str) -> bool:
    """True for the first that asks; the claim outlives the worker, the lease does not."""
    client.set(lease_key(attempt), PLAYING, ex=LEASE_S, nx=True)
    return bool(client.set(claim_key(attempt), worker, nx=True, ex=CLAIM_S))


@contextmanager
def lease(client: "redis.Redis", attempt: int) -> Iterator[None]:
    """Renews the lease of an attempt while the body runs; afterwards marks it as finished."""
    stop = threading.Event()

    def renew() -> None:
        while not stop.wait(LEASE_S / 4):
            with suppress(redis.RedisError):
                client.set(lease_key(attempt), PLAYING, ex=LEASE_S)

    thread = threading.Thread(target=renew, daemon=True)
    thread.start()
    try:
        yield
        with suppress(redis.RedisError):
            client.set(lease_key(attempt), FINISHED, ex=FINISHED_S)
    finally:
        stop.set()
        thread.join()


def shorten(client: "redis.Redis") -> None:
    """Leases and reports last no longer than they may from now on.

    Redis expires keys by the system's clock: one that was set back keeps what is over. Whoever
    lives renews its own within seconds.
    """
    for pattern, seconds in ((lease_key("*"), LEASE_S), (worker_key("*"), WORKER_TTL_S)):
        for key in client.scan_iter(pattern, count=1000):
            if client.get(key) != FINISHED and client.ttl(key) > seconds:
                client.expire(key, seconds)


def expect_version(client: "redis.Redis", version: str) -> None:
    """What code the league runs; workers with another take no matches."""
    client.set(VERSION_KEY, version)


def expected_version(client: "redis.Redis") -> str | None:
    return client.get(VERSION_KEY)  # type: ignore[return-value]


def report_worker(client: "redis.Redis", name: str, report: dict[str, Any]) -> None:
    """Publishes a worker's state; the key vanishes soon after the worker does."""
    body = json.dumps(report | {"name": name, "beat": time.time()})
    client.set(worker_key(name), body, ex=WORKER_TTL_S)


def read_workers(client: "redis.Redis") -> list[str]:
    """The reports as they were written, as JSON."""
    keys = sorted(client.scan_iter(worker_key("*"), count=1000))
    return [str(body) for body in client.mget(keys) if body] if keys else []

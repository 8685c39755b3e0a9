"""What every test stands on: a real Redis, emptied between tests."""

from collections.abc import Iterator

import pytest

from tests.settings import FOLDER
from tests.stack import Stack


@pytest.fixture(scope="session", autouse=True)
def redis_server() -> Iterator[Stack]:
    """A real Redis for cache, leases and broker."""
    stack = Stack(FOLDER)
    stack.start("redis")
    yield stack
    stack.close()


@pytest.fixture(autouse=True)
def _empty_redis(redis_server: Stack) -> Iterator[None]:
    yield
    redis_server.client().flushall()

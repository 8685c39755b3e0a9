"""Every test session has a data folder and a Redis of its own; both vanish with it."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

FOLDER = Path(tempfile.mkdtemp(prefix="palaestra-test-"))
os.environ["DATA_DIR"] = str(FOLDER)
os.environ["REDIS_URL"] = f"unix://{FOLDER}/redis.sock"
for _name in ("DATABASE_URL", "SECRET_KEY", "SITE_URL", "SIGNUP", "SANDBOX_MINIMUM", "DEBUG"):
    os.environ.pop(_name, None)

from tests.stack import Stack  # noqa: E402


@pytest.fixture(scope="session", autouse=True)
def redis_server() -> Iterator[Stack]:
    """A real Redis for cache, leases and broker."""
    stack = Stack(FOLDER)
    stack.start("redis")
    yield stack
    stack.close()
    shutil.rmtree(FOLDER, ignore_errors=True)


@pytest.fixture(autouse=True)
def _plain_static_files(settings) -> None:
    """Pages name their files unhashed, so that no test needs collectstatic first."""
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"


@pytest.fixture(autouse=True)
def _empty_redis(redis_server: Stack) -> Iterator[None]:
    yield
    redis_server.client().flushall()

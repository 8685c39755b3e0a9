"""Brings database, static files and demo league up to date before the processes start."""

import hashlib
from pathlib import Path
from urllib.parse import urlsplit

import redis
from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.db import OperationalError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http.request import validate_host

from evaluation import broker
from evaluation.signing import SigningKey
from league import demo
from league.run.errors import StartError
from league.run.terminal import say

# Extensions of htmx that no page uses; their comments name files that are not shipped, over which
# the hashing of names stumbles.
UNUSED_FILES = ["django_htmx/ext/*"]


def prepare() -> None:
    check_hosts()
    migrate()
    collect_static(Path(settings.STATIC_ROOT))
    make_signing_key(Path(settings.SIGNING_KEY_PATH))
    demo.seed()


def check_hosts() -> None:
    host = urlsplit(settings.SITE_URL).hostname or ""
    if not validate_host(host, settings.ALLOWED_HOSTS):
        raise StartError(f"ALLOWED_HOSTS does not hold {host!r}, the host of SITE_URL.")


def check_redis() -> None:
    """A Redis that REDIS_URL names must answer; the private one is started later."""
    try:
        broker.connect(settings.REDIS_URL).ping()
    except redis.RedisError as error:
        raise StartError(f"The Redis that REDIS_URL names does not answer: {error}") from None


def make_signing_key(path: Path) -> None:
    """Before a worker needs it, which may run as another user."""
    try:
        SigningKey.load_or_create(path)
    except (OSError, ValueError) as error:
        raise StartError(f"The key that requests are signed with cannot be used: {error}") from None


def migrate() -> None:
    try:
        executor = MigrationExecutor(connection)
    except OperationalError as error:
        reason = str(error).strip().splitlines()[0]
        raise StartError(f"The database cannot be opened: {reason}") from None
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        say("Preparing the database …")
        call_command("migrate", verbosity=0, interactive=False)


def collect_static(root: Path) -> None:
    """Collects and hashes the browser's files, unless none of them has changed."""
    stamp = root / ".stamp"
    state = static_state()
    if stamp.exists() and stamp.read_text(encoding="ascii") == state:
        return
    say("Preparing the static files …")
    call_command(
        "collectstatic", verbosity=0, interactive=False, clear=True, ignore_patterns=UNUSED_FILES
    )
    stamp.write_text(state, encoding="ascii")


def static_state() -> str:
    digest = hashlib.sha256()
    for finder in get_finders():
        for name, storage in finder.list(None):
            file = Path(storage.path(name)).stat()
            prefix = getattr(storage, "prefix", "")
            digest.update(f"{prefix}/{name} {file.st_size} {file.st_mtime_ns}\n".encode())
    return digest.hexdigest()

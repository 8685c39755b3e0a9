"""A private PostgreSQL for tests: a Unix socket in a folder of its own, gone with the test process.

PostgreSQL refuses to run as root, so root starts it as the Debian package's user.
"""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest

from tests.stack import wait_for

OWNER = "postgres"
# Nothing of it outlives a test run, so nothing needs to reach the disk.
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "listen_addresses=")


def find_programs() -> Path | None:
    """The folder of the newest PostgreSQL server; Debian keeps it off the PATH."""
    debian = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3])
    )
    on_path = shutil.which("initdb")
    found = [*debian[-1:], *([Path(on_path)] if on_path else [])]
    return found[0].parent if found else None


def require_programs() -> Path:
    """That folder, or the end of the test: skipped, or failed where REQUIRE_POSTGRES is 1."""
    programs = find_programs()
    if programs is None:
        message = "no PostgreSQL server is installed"
        is_required = os.environ.get("REQUIRE_POSTGRES") == "1"
        pytest.fail(message) if is_required else pytest.skip(message)
    return programs


class Cluster:
    """A running server; `create` makes a database in it and returns its URL."""

    def __init__(self, programs: Path) -> None:
        self.programs = programs
        self.folder = Path(tempfile.mkdtemp(prefix="palaestra-postgres-"))
        self.owner = _owner()
        if self.owner != pwd.getpwuid(os.geteuid()).pw_name:
            shutil.chown(self.folder, self.owner)
        self._initialise()
        self.process = self._start()
        wait_for(self._is_ready, 60, "PostgreSQL")

    def create(self, name: str) -> str:
        """An empty database, as a DATABASE_URL."""
        with self._connect() as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return self.url(name)

    def url(self, name: str) -> str:
        return f"postgresql://{self.owner}@{quote(str(self.folder), safe='')}/{name}"

    def close(self) -> None:
        """Ends it at once; clients lose their connections."""
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _initialise(self) -> None:
        command = [
            *self._as_owner(), str(self.programs / "initdb"), "-D", str(self.folder / "data"),
            "--no-sync", "--auth=trust", "-U", self.owner, "--no-locale", "-E", "UTF8",
        ]  # fmt: skip
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr

    def _start(self) -> subprocess.Popen[bytes]:
        options = [word for option in FAST for word in ("-c", option)]
        with (self.folder / "log").open("wb") as log:
            return subprocess.Popen(
                [
                    *self._as_owner(), "--pdeathsig", "INT", str(self.programs / "postgres"),
                    "-D", str(self.folder / "data"), "-k", str(self.folder), *options,
                ],
                cwd=self.folder, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
            )  # fmt: skip

    def _as_owner(self) -> list[str]:
        if os.geteuid() != 0:
            return ["setpriv"]
        return ["setpriv", "--reuid", self.owner, "--regid", self.owner, "--clear-groups"]

    def _is_ready(self) -> bool:
        assert self.process.poll() is None, (self.folder / "log").read_text()
        try:
            self._connect().close()
        except psycopg.OperationalError:
            return False
        return True

    def _connect(self) -> "psycopg.Connection":
        return psycopg.connect(self.url("postgres"), autocommit=True)


def _owner() -> str:
    """Who runs the server: oneself, or in place of root the package's own user."""
    return OWNER if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name

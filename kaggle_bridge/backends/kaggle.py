"""Kaggle as a place that runs kernels, through its official client in a child process a call."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from kaggle_bridge.backend import (
    Dataset,
    Facts,
    Job,
    NoAccess,
    Output,
    Pushed,
    Quota,
    Stage,
    Status,
    Trouble,
)
from kaggle_bridge.client import credentials
from kaggle_bridge.client import process as client_process
from kaggle_bridge.client.credentials import Credentials, CredentialsError
from kaggle_bridge.client.pace import Pace
from kaggle_bridge.client.process import Call

# What an operation asks at least: begun with fewer slots it would only wait inside.
REQUESTS = {"dataset": 2, "upload": 3, "log": 2}
CHANGES = ("push", "upload")


@dataclass(frozen=True)
class Limits:
    """In seconds: of one silence of the service, of a short operation, of one that moves files."""

    read_s: float = 60.0
    short_s: float = 180.0
    long_s: float = 900.0


class KaggleBackend:
    """environ: where credentials and proxies are told; not read from the process's own."""

    name = "kaggle"
    is_live = False  # the log can be read while a session runs, its files cannot
    poll_s = 60.0

    def __init__(
        self,
        data_dir: Path,
        environ: Mapping[str, str],
        calls_per_minute: int,
        limits: Limits = Limits(),
    ) -> None:
        self.data_dir = data_dir
        self.environ = environ
        self.limits = limits
        self.pace = Pace(data_dir.absolute() / "training" / "kaggle", calls_per_minute)

    def facts(self) -> Facts:
        """owner: empty for an access token that has not been asked for its user yet: `whoami`."""
        try:
            found = self._credentials()
        except NoAccess as error:
            return Facts(problem=error.message)
        return Facts(owner=found.username or self._remembered(found))

    def whoami(self) -> str:
        """The user that Kaggle takes these credentials for; asks it, and remembers."""
        found = self._credentials()
        owner = str(self._call("whoami"))
        memory = {"fingerprint": _fingerprint(found), "owner": owner}
        self._memory.write_text(json.dumps(memory), encoding="utf-8")
        return owner

    def warning(self) -> str:
        """Of credentials that others can read; empty if there is none."""
        return self._credentials().warning

    def push(self, job: Job) -> Pushed:
        return Pushed(**self._call("push", job=asdict(job)))

    def find(self, ref: str, token: str) -> Pushed | None:
        found = self._call("find", ref=ref, token=token)
        return Pushed(**found) if found else None

    def status(self, ref: str, version: int) -> Status:
        found = self._call("status", ref=ref, version=version)
        return Status(Stage(found["stage"]), found["message"])

    def log(self, ref: str, version: int) -> str:
        return str(self._call("log", ref=ref, version=version))

    def output(self, ref: str, version: int, folder: Path, names: Iterable[str] = ()) -> Output:
        place = str(folder.absolute())
        files = self._call("output", ref=ref, version=version, folder=place, names=list(names))
        return Output(folder, tuple(files))

    def dataset(self, ref: str) -> Dataset | None:
        found = self._call("dataset", ref=ref)
        return Dataset(**found) if found else None

    def upload(self, ref: str, title: str, folder: Path, note: str, is_new: bool) -> None:
        place = str(folder.absolute())
        self._call("upload", ref=ref, title=title, folder=place, note=note, is_new=is_new)

    def quota(self) -> dict[str, Quota]:
        return {name: _quota(told) for name, told in self._call("quota").items()}

    def stop(self, ref: str, version: int) -> bool:
        """Kaggle's public interface has no way to stop a session."""
        return False

    def _call(self, operation: str, **arguments: Any) -> Any:
        long = operation in ("output", "upload")
        call = Call(
            operation,
            arguments,
            wall_s=self.limits.long_s if long else self.limits.short_s,
            read_s=self.limits.read_s,
            requests=REQUESTS.get(operation, 1),
            changes=operation in CHANGES,
        )
        try:
            return client_process.run(call, self._credentials(), self.environ, self.pace)
        except OSError as error:
            raise Trouble(f"Kaggle's client cannot be run: {error.strerror}.") from error

    def _credentials(self) -> Credentials:
        try:
            return credentials.find(self.environ, self.data_dir)
        except CredentialsError as error:
            raise NoAccess(error.message) from None

    @property
    def _memory(self) -> Path:
        return self.pace.folder / "owner.json"

    def _remembered(self, found: Credentials) -> str:
        try:
            memory = json.loads(self._memory.read_bytes())
            return str(memory["owner"]) if memory["fingerprint"] == _fingerprint(found) else ""
        except (OSError, ValueError, KeyError, TypeError):
            return ""


def _quota(told: dict[str, Any]) -> Quota:
    resets_at = told["resets_at"]
    return Quota(
        told["used_s"], told["total_s"], datetime.fromisoformat(resets_at) if resets_at else None
    )


def _fingerprint(found: Credentials) -> str:
    """Tells one token from another, and nothing else of it."""
    return hashlib.sha256(f"palaestra {found.token or found.key}".encode()).hexdigest()[:16]

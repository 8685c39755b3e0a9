"""What a place that runs kernels is to the bridge: plain data in and out, no database.

A kernel is OWNER/SLUG with versions 1, 2, …; a dataset likewise. Each method is one call at most.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol

# What is to be said where an answer was lost.
LOOK = "Whether it was done is looked up before it is done again."


class BackendError(Exception):
    """One sentence for the page: what, why, what to do. Never a secret."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Trouble(BackendError):
    """It did not happen, and trying again later may help: network, 429, 5xx, no slot free."""

    def __init__(self, message: str, retry_after_s: float = 0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Unsure(Trouble):
    """The answer was lost: it may have happened. Look before it is tried again."""


class NotNow(Trouble):
    """Nothing was sent: the account is busy, or its calls of this minute are used up."""


class NoAccess(Trouble):
    """Credentials are missing, wrong or expired: renewing them helps, nothing else."""


class NoQuota(Trouble):
    """Nothing left of the accelerator, or of the sessions at once. until: None where unknown."""

    def __init__(self, message: str, until: datetime | None = None) -> None:
        super().__init__(message)
        self.until = until


class Refused(BackendError):
    """The service says no, and will again: an invalid source, a title too long."""


class Missing(BackendError):
    """There is no such kernel, version or dataset."""


class Stage(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    COMPLETE = "complete"  # the kernel ended by itself with exit code 0
    ERROR = "error"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"  # a word that we do not know: neither running nor ended can be said


ENDED = (Stage.COMPLETE, Stage.ERROR, Stage.CANCELLED)


@dataclass(frozen=True)
class Job:
    """A kernel to run. source: script or notebook, UTF-8, `token` somewhere in it.

    ref: OWNER/SLUG. title: its slug is SLUG. timeout_s: of the session. inputs: datasets as
    OWNER/SLUG/VERSION.
    """

    ref: str
    title: str
    source: str
    token: str
    accelerator: str
    timeout_s: int
    inputs: tuple[str, ...] = ()
    internet: bool = False
    is_private: bool = True
    is_notebook: bool = False


@dataclass(frozen=True)
class Pushed:
    """ref and version as the service has given them; from now on only these count."""

    ref: str
    version: int
    url: str = ""


@dataclass(frozen=True)
class Status:
    stage: Stage
    message: str = ""  # what the service says of a failure; the word itself where it is unknown


@dataclass(frozen=True)
class Dataset:
    version: int
    is_ready: bool
    has_failed: bool = False
    word: str = ""  # the service's own


@dataclass(frozen=True)
class Quota:
    """Of one accelerator, seconds. resets_at: None where the service does not say."""

    used_s: float
    total_s: float
    resets_at: datetime | None = None

    @property
    def left_s(self) -> float:
        return max(self.total_s - self.used_s, 0.0)


@dataclass(frozen=True)
class Facts:
    """What can be known without asking anybody. problem: why nothing can be sent, or empty."""

    owner: str = ""
    problem: str = ""


@dataclass(frozen=True)
class Output:
    """folder: what the session has left, by name. files: those names."""

    folder: Path
    files: tuple[str, ...] = field(default=())


class Backend(Protocol):
    """Raises BackendError and nothing else.

    is_live: log and output can be read, and files be taken, while a session still runs.
    poll_s: seconds between two looks at a session.
    """

    name: str
    is_live: bool
    poll_s: float

    def facts(self) -> Facts: ...

    def whoami(self) -> str:
        """The owner's name, asked of the service where it is not known."""

    def push(self, job: Job) -> Pushed: ...

    def find(self, ref: str, token: str) -> Pushed | None:
        """The newest version of the kernel if the token is in it: a push whose answer was lost."""

    def status(self, ref: str, version: int) -> Status: ...

    def log(self, ref: str, version: int) -> str:
        """Plain text, as printed, or the service's JSON array (kernel_log reads both)."""

    def output(self, ref: str, version: int, folder: Path, names: Iterable[str] = ()) -> Output:
        """Into an empty folder. names: only these, where the backend can choose; () is all."""

    def dataset(self, ref: str) -> Dataset | None:
        """Its newest version; None where there is no such dataset."""

    def upload(self, ref: str, title: str, folder: Path, note: str, is_new: bool) -> None:
        """The files of a folder (no sub-folders) become the dataset's next version."""

    def quota(self) -> dict[str, Quota]:
        """By accelerator ("gpu", "tpu"); empty where nothing is limited or told."""

    def stop(self, ref: str, version: int) -> bool:
        """Whether the session was asked to stop; False where that cannot be done from here."""

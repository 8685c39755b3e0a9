"""What the service keeps: kernels and datasets with their versions, by OWNER/SLUG."""

import itertools
import re
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.kaggle_service.errors import ApiError, denied
from tests.kaggle_service.sessions import Session

# In this order, spread over the delay.
STAGES = (
    "BLOBS_RECEIVED", "BLOBS_DECOMPRESSED", "BLOBS_COPIED_TO_SDS", "INDIVIDUAL_BLOBS_COMPRESSED",
)  # fmt: skip


def slugify(title: str) -> str:
    """Lower case, with dashes."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


@dataclass
class DatasetVersion:
    """delay_s: from its creation until it is ready, or has failed."""

    number: int
    folder: Path
    notes: str
    delay_s: float
    fails: bool = False
    created: float = field(default_factory=time.monotonic)
    date: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def status(self) -> str:
        age = time.monotonic() - self.created
        if age >= self.delay_s:
            return "FAILED" if self.fails else "READY"
        return STAGES[int(age / self.delay_s * len(STAGES))]

    @property
    def files(self) -> list[Path]:
        return sorted(path for path in self.folder.rglob("*") if path.is_file())


@dataclass
class Dataset:
    id: int
    owner: str
    slug: str
    title: str
    is_private: bool
    versions: list[DatasetVersion] = field(default_factory=list)
    last_number: int = 0

    @property
    def ref(self) -> str:
        return f"{self.owner}/{self.slug}"

    def ready(self) -> list[DatasetVersion]:
        return [version for version in self.versions if version.status == "READY"]

    def version(self, number: int | None) -> DatasetVersion:
        for version in reversed(self.versions):
            if number in (None, version.number):
                return version
        raise ApiError(404, f"Version {number} of {self.ref} was not found")


@dataclass
class Version:
    """request: the push as it came, without its text."""

    number: int
    text: str
    request: dict[str, Any]
    session: Session
    date: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass
class Kernel:
    id: int
    owner: str
    slug: str
    title: str
    kind: str
    language: str
    is_private: bool
    versions: list[Version] = field(default_factory=list)

    @property
    def ref(self) -> str:
        return f"{self.owner}/{self.slug}"

    @property
    def latest(self) -> Version:
        return self.versions[-1]

    def version(self, label: str) -> Version:
        """label: empty for the latest, else `vN`; a bare number is not one."""
        if not label:
            return self.latest
        for version in self.versions:
            if label == f"v{version.number}":
                return version
        raise ApiError(404, f"Version {label} of {self.ref} was not found")


class Store:
    """`lock` is held by whoever changes it or counts in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lock = threading.RLock()
        self.kernels: dict[str, Kernel] = {}
        self.datasets: dict[str, Dataset] = {}
        self.ids = itertools.count(1001)
        self.is_closed = False

    def sessions(self) -> Iterable[Session]:
        kernels = list(self.kernels.values())
        return [version.session for kernel in kernels for version in kernel.versions]

    def kernel(self, owner: str, slug: str, reader: str) -> Kernel:
        kernel = self.kernels.get(f"{owner}/{slug}")
        if kernel is None or (kernel.is_private and kernel.owner != reader):
            raise denied("kernels.get")
        return kernel

    def dataset(self, owner: str, slug: str, reader: str) -> Dataset:
        dataset = self.datasets.get(f"{owner}/{slug}")
        if dataset is None or (dataset.is_private and dataset.owner != reader):
            raise denied("datasets.get")
        return dataset

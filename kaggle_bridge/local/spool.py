"""Kernels and datasets in plain files: what the local backend and the training worker share.

    kernels/SLUG/VERSION/  kernel.py or kernel.ipynb, job.json, then state.json, stop, log*.txt,
                           root/{working,input} and scratch/
    datasets/SLUG/VERSION/ the files

A version appears whole (a folder is filled, then renamed) and its number is never given twice.
state.json has one writer, the worker; without it a version is queued. Standard library only.
"""

import json
import math
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from kaggle_bridge.local.bounded_log import BoundedLog

SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,99}")
NUMBER = re.compile(r"[1-9][0-9]{0,8}")
NEW, GONE = ".new-", ".gone-"  # being filled; being removed


class Stage(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    COMPLETE = "complete"
    ERROR = "error"
    CANCELLED = "cancelled"


ENDED = (Stage.COMPLETE, Stage.ERROR, Stage.CANCELLED)


class Unreadable(Exception):
    """A file of the spool is not what was written there. One sentence."""


@dataclass(frozen=True)
class Job:
    """timeout_s: of the session. inputs: datasets as SLUG/VERSION. pushed_ns: since the epoch."""

    timeout_s: float
    inputs: tuple[str, ...] = ()
    pushed_ns: int = 0


@dataclass(frozen=True)
class State:
    """started, ended: seconds since the epoch; 0 for not yet."""

    stage: Stage
    message: str = ""
    started: float = 0.0
    ended: float = 0.0


@dataclass(frozen=True)
class Version:
    """One push of a kernel: a folder."""

    folder: Path

    @property
    def slug(self) -> str:
        return self.folder.parent.name

    @property
    def number(self) -> int:
        return int(self.folder.name)

    @property
    def root(self) -> Path:
        """Stands in for /kaggle."""
        return self.folder / "root"

    @property
    def working(self) -> Path:
        return self.root / "working"

    @property
    def scratch(self) -> Path:
        return self.folder / "scratch"

    @property
    def log(self) -> BoundedLog:
        return BoundedLog(self.folder)

    @property
    def kernel(self) -> Path:
        notebook = self.folder / "kernel.ipynb"
        return notebook if notebook.exists() else self.folder / "kernel.py"

    def job(self) -> Job:
        fields = read_object(self.folder / "job.json")
        try:
            inputs = tuple(str(name) for name in fields["inputs"])
            job = Job(float(fields["timeout_s"]), inputs, int(fields["pushed_ns"]))
        except (KeyError, TypeError, ValueError, OverflowError):
            raise Unreadable("job.json is not a job.") from None
        if not 0 < job.timeout_s < math.inf:
            raise Unreadable("job.json names no time limit.")
        return job

    def state(self) -> State:
        """What the worker wrote last; queued before that."""
        try:
            fields = read_object(self.folder / "state.json")
        except FileNotFoundError:
            if not self.folder.is_dir():
                raise
            return State(Stage.QUEUED)
        try:
            times = float(fields["started"]), float(fields["ended"])
            return State(Stage(fields["stage"]), str(fields["message"]), *times)
        except (KeyError, TypeError, ValueError):
            raise Unreadable("state.json is not a state.") from None

    def set_state(self, state: State) -> None:
        write_object(self.folder / "state.json", asdict(state))

    def ask_to_stop(self) -> None:
        (self.folder / "stop").touch()

    def is_asked_to_stop(self) -> bool:
        return (self.folder / "stop").exists()


class Spool:
    def __init__(self, data_dir: Path) -> None:
        self.folder = data_dir / "training" / "spool"
        self.kernels = self.folder / "kernels"
        self.datasets = self.folder / "datasets"

    def push(self, slug: str, source: str, job: Job, is_notebook: bool) -> int:
        """The number of the new version, which waits for the worker from now on."""
        parent = self._home(self.kernels, slug)
        new = Path(tempfile.mkdtemp(prefix=NEW, dir=parent))
        try:
            write_bytes(new / f"kernel.{'ipynb' if is_notebook else 'py'}", source.encode())
            write_object(new / "job.json", asdict(job))
            return claim(new, parent)
        finally:
            remove(new)

    def version(self, slug: str, number: int) -> Version | None:
        folder = self.kernels / checked(slug) / str(number)
        return Version(folder) if folder.is_dir() else None

    def newest(self, slug: str) -> Version | None:
        number = newest(self.kernels / checked(slug))
        return self.version(slug, number) if number else None

    def versions(self) -> Iterator[Version]:
        for parent in folders(self.kernels):
            for number in numbers(parent):
                yield Version(parent / str(number))

    def upload(self, slug: str, folder: Path) -> int:
        """The files of a folder become the dataset's next version; returns its number."""
        parent = self._home(self.datasets, slug)
        new = Path(tempfile.mkdtemp(prefix=NEW, dir=parent))
        try:
            for path in sorted(folder.iterdir()):
                if path.is_file() and not path.is_symlink():
                    write_bytes(new / path.name, path)
            if not any(new.iterdir()):
                raise Unreadable(f"There is no file in {folder.name} to upload.")
            return claim(new, parent)
        finally:
            remove(new)

    def dataset(self, name: str) -> Path | None:
        """The folder of SLUG/VERSION, if there is one."""
        slug, _, number = name.partition("/")
        folder = self.datasets / checked(slug) / number
        return folder if NUMBER.fullmatch(number) and folder.is_dir() else None

    def newest_dataset(self, slug: str) -> int:
        """Its number; 0 where there is no such dataset."""
        return newest(self.datasets / checked(slug))

    def beat(self) -> None:
        """The worker lives."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "beat").touch()

    def silence_s(self) -> float | None:
        """Since the worker's last beat; None where there has never been one."""
        try:
            return max(time.time() - (self.folder / "beat").stat().st_mtime, 0.0)
        except FileNotFoundError:
            return None

    def _home(self, kind: Path, slug: str) -> Path:
        parent = kind / checked(slug)
        parent.mkdir(parents=True, exist_ok=True)
        return parent


def checked(slug: str) -> str:
    if not SLUG.fullmatch(slug):
        raise Unreadable(f"{slug!r} is no name of a kernel or dataset.")
    return slug


def folders(parent: Path) -> list[Path]:
    try:
        return sorted(path for path in parent.iterdir() if SLUG.fullmatch(path.name))
    except FileNotFoundError:
        return []


def numbers(parent: Path) -> list[int]:
    try:
        with os.scandir(parent) as entries:
            return sorted(int(e.name) for e in entries if NUMBER.fullmatch(e.name) and e.is_dir())
    except (FileNotFoundError, NotADirectoryError):
        return []


def newest(parent: Path) -> int:
    return max(numbers(parent), default=0)


def claim(new: Path, parent: Path) -> int:
    """Renames a full folder to the next free number: no rename replaces a folder with files."""
    number = newest(parent) + 1
    while True:
        try:
            new.rename(parent / str(number))
        except OSError:
            if not (parent / str(number)).exists():
                raise
            number += 1
        else:
            sync(parent)
            return number


def read_object(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        raise Unreadable(f"{path.name} is not JSON.") from None
    if not isinstance(found, dict):
        raise Unreadable(f"{path.name} is not a JSON object.")
    return found


def write_object(path: Path, fields: dict[str, Any]) -> None:
    """At once or not at all, also where the power goes."""
    new = path.with_name(f"{NEW}{path.name}")
    write_bytes(new, json.dumps(fields).encode())
    new.rename(path)
    sync(path.parent)


def write_bytes(path: Path, content: bytes | Path) -> None:
    """What lies there (or the copy of a file) is on the disk when this returns."""
    with path.open("wb") as file:
        if isinstance(content, bytes):
            file.write(content)
        else:
            with content.open("rb") as source:
                shutil.copyfileobj(source, file, 1 << 20)
        file.flush()
        os.fsync(file.fileno())


def sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove(folder: Path) -> None:
    """A folder with all below it, read-only ones too; nothing where it is not there."""
    for path, _, _ in os.walk(folder):
        with suppress(FileNotFoundError):
            os.chmod(path, 0o700)
    shutil.rmtree(folder, ignore_errors=True)

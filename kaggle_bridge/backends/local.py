"""This machine in Kaggle's stead: kernels that the training worker runs, by way of the spool."""

import os
import shutil
import time
from collections.abc import Callable, Iterable
from functools import wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

from kaggle_bridge.backend import (
    Dataset,
    Facts,
    Job,
    Missing,
    Output,
    Pushed,
    Quota,
    Refused,
    Stage,
    Status,
    Trouble,
)
from kaggle_bridge.local import spool as spools
from kaggle_bridge.local.spool import Spool, Unreadable, Version

OWNER = "local"
SILENT_S = 20.0
NO_WORKER = "No training worker runs on this machine: it comes with `make run`."

P = ParamSpec("P")
T = TypeVar("T")


def told(call: Callable[P, T]) -> Callable[P, T]:
    """Faults of the spool in the words of a backend."""

    @wraps(call)
    def wrapped(*args: P.args, **more: P.kwargs) -> T:
        try:
            return call(*args, **more)
        except Unreadable as error:
            raise Refused(str(error)) from None
        except UnicodeError:
            raise Refused("The kernel's source is not Unicode.") from None
        except OSError as error:
            raise Trouble(unusable(error)) from error

    return wrapped


def unusable(error: OSError) -> str:
    """Its own text would name a path of this machine."""
    return f"The spool of the training worker cannot be used: {error.strerror}."


class LocalBackend:
    name = "local"
    is_live = True
    poll_s = 1.0

    def __init__(self, data_dir: Path) -> None:
        self.spool = Spool(data_dir)

    def facts(self) -> Facts:
        try:
            silence_s = self.spool.silence_s()
        except OSError as error:
            return Facts(OWNER, unusable(error))
        is_there = silence_s is not None and silence_s < SILENT_S
        return Facts(OWNER, "" if is_there else NO_WORKER)

    def whoami(self) -> str:
        return OWNER

    @told
    def push(self, job: Job) -> Pushed:
        inputs = tuple(reference.split("/", 1)[-1] for reference in job.inputs)
        for name in inputs:
            if self.spool.dataset(name) is None:
                raise Refused(f"There is no dataset {OWNER}/{name} to run with.")
        slug = slug_of(job.ref)
        order = spools.Job(job.timeout_s, inputs, time.time_ns())
        number = self.spool.push(slug, job.source, order, job.is_notebook)
        return Pushed(f"{OWNER}/{slug}", number)

    @told
    def find(self, ref: str, token: str) -> Pushed | None:
        version = self.spool.newest(slug_of(ref))
        if version is None or token.encode() not in version.kernel.read_bytes():
            return None
        return Pushed(f"{OWNER}/{version.slug}", version.number)

    @told
    def status(self, ref: str, version: int) -> Status:
        """`stop` is looked for before the state: the worker looks the other way round, so one of
        both sees it, and what was stopped while it waited counts as ended without a worker."""
        found = self._version(ref, version)
        is_asked = found.is_asked_to_stop()
        try:
            state = found.state()
        except Unreadable as error:
            return Status(Stage.UNKNOWN, str(error))
        if state.stage == spools.Stage.QUEUED and is_asked:
            return Status(Stage.CANCELLED, "It was stopped before it began.")
        if state.stage == spools.Stage.QUEUED:
            return Status(Stage.QUEUED, self.facts().problem)
        return Status(Stage(state.stage), state.message)

    @told
    def log(self, ref: str, version: int) -> str:
        return self._version(ref, version).log.read()

    @told
    def output(self, ref: str, version: int, folder: Path, names: Iterable[str] = ()) -> Output:
        working = self._version(ref, version).working
        wanted = set(names)
        taken = []
        for name in files_of(working):
            if (not wanted or name in wanted) and copied(working / name, folder / name):
                taken.append(name)
        return Output(folder, tuple(taken))

    @told
    def dataset(self, ref: str) -> Dataset | None:
        number = self.spool.newest_dataset(slug_of(ref))
        return Dataset(number, is_ready=True) if number else None

    @told
    def upload(self, ref: str, title: str, folder: Path, note: str, is_new: bool) -> None:
        slug = slug_of(ref)
        if is_new and self.spool.newest_dataset(slug):
            raise Refused(f"There is a dataset {ref} already.")
        if not is_new and not self.spool.newest_dataset(slug):
            raise Missing(f"There is no dataset {ref}.")
        self.spool.upload(slug, folder)

    def quota(self) -> dict[str, Quota]:
        return {}

    @told
    def stop(self, ref: str, version: int) -> bool:
        self._version(ref, version).ask_to_stop()
        return True

    def _version(self, ref: str, version: int) -> Version:
        found = self.spool.version(slug_of(ref), version)
        if found is None:
            raise Missing(f"There is no kernel {ref}, version {version}.")
        return found


def slug_of(ref: str) -> str:
    return ref.rpartition("/")[2]


def files_of(folder: Path) -> list[str]:
    """Regular files by their path below it; links are not followed."""
    found = []
    for parent, _, names in os.walk(folder):
        paths = [Path(parent, name) for name in names]
        found += [path for path in paths if path.is_file() and not path.is_symlink()]
    return sorted(path.relative_to(folder).as_posix() for path in found)


def copied(source: Path, target: Path) -> bool:
    """False where a kernel that still runs has removed it meanwhile."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        shutil.copyfile(source, target)
    except FileNotFoundError:
        return False
    return True

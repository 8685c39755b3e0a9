"""Kaggle's backend against the local service; imported by the tests of the client."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from kaggle_bridge.backend import Job
from kaggle_bridge.backends.kaggle import KaggleBackend, Limits
from tests.kaggle_service import Account, KaggleService, clients

KEY, TOKEN = "key-0123456789abcdef-of-alice", "KGAT_0123456789abcdef-of-alice"
JOB = Job(
    ref="alice/first-steps",
    title="First steps",
    source="# marker-1\nprint('hello')\nopen('out.txt', 'w').write('done')\n",
    token="marker-1",
    accelerator="cpu",
    timeout_s=600,
)


@contextmanager
def serving(folder: Path, **options: Any) -> Iterator[KaggleService]:
    accounts = {"alice": Account(key=KEY, token=TOKEN), "bob": Account(key="key-of-bob")}
    with KaggleService(folder / "kaggle", accounts, **options) as service:
        yield service


def backend(
    service: KaggleService,
    folder: Path,
    credential: str = "key",
    limits: Limits | None = None,
    calls: int = 1000,
    **environ: str,
) -> KaggleBackend:
    told = service.environ("alice", credential)
    path = {"PATH": os.environ["PATH"]}
    return KaggleBackend(folder / "var", path | told | environ, calls, limits or Limits())


def job(source: str, **more: Any) -> Job:
    return replace(JOB, source=f"# {JOB.token}\n{source}\n", **more)


def run_to_end(service: KaggleService, source: str) -> int:
    """A version that has ended, without the client; its number."""
    version = int(clients.push(service, source)["versionNumber"])
    service.session(JOB.ref, version).wait()
    return version


def dataset_folder(folder: Path, **files: str) -> Path:
    folder.mkdir()
    for name, text in files.items():
        (folder / f"{name}.txt").write_text(text)
    return folder

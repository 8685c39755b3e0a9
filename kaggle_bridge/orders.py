"""What is sent: the kernel of a session, the dataset that it goes on from, how both are called."""

import json
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kaggle_bridge import entrants, kernel, scratch, store
from kaggle_bridge.backend import Job
from kaggle_bridge.models import Checkpoint, Session, TrainingRun

MARKER = "palaestra-resume.json"


@dataclass(frozen=True)
class Parcel:
    """A job, and what is recorded of it."""

    job: Job
    kernel_sha256: str
    source_hash: str


def new_token() -> str:
    return secrets.token_hex(16)


def slug_of(run: TrainingRun) -> str:
    """A kernel's title makes its slug, so one text gives both; no other league has the same."""
    ending = "-notebook" if run.is_notebook else ""
    return f"palaestra-{run.pk}-{secrets.token_hex(3)}{ending}"


def title_of(ref: str) -> str:
    """Its slug is that of the ref: lower case, dashes for blanks."""
    return ref.rpartition("/")[2].replace("-", " ").capitalize()


def job_of(run: TrainingRun, session: Session, timeout_s: int) -> Parcel:
    made = kernel.build(_order(run, session, timeout_s), is_notebook=run.is_notebook)
    inputs = (f"{run.dataset_ref}/{session.dataset_version}",) if session.resume else ()
    job = Job(
        ref=run.kernel_ref,
        title=title_of(run.kernel_ref),
        source=made.source,
        token=session.token,
        accelerator=run.accelerator,
        timeout_s=timeout_s,
        inputs=inputs,
        internet=run.internet,
        is_private=run.is_private,
        is_notebook=run.is_notebook,
    )
    return Parcel(job, made.sha256, made.source_hash)


def _order(run: TrainingRun, session: Session, timeout_s: int) -> kernel.Order:
    resume = session.resume
    return kernel.Order(
        run=run.pk,
        session=session.number,
        token=session.token,
        config=run.resolved,
        accelerator=run.accelerator,
        session_s=timeout_s,
        resume=kernel.Resume(step=resume.step, sha256=resume.sha256) if resume else None,
        wanted=entrants.wanted(run),
    )


@contextmanager
def dataset_folder(run: TrainingRun, checkpoint: Checkpoint) -> Iterator[Path]:
    """A folder with the checkpoint and the marker that a kernel finds it by."""
    with scratch.folder("dataset-") as folder:
        file = f"step_{checkpoint.step}.safetensors"
        shutil.copyfile(store.path(checkpoint.sha256), folder / file)
        marker = {
            "run": run.pk,
            "step": checkpoint.step,
            "sha256": checkpoint.sha256,
            "file": file,
        }
        (folder / MARKER).write_text(json.dumps(marker), encoding="utf-8")
        yield folder

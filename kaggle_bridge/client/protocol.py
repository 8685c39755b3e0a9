"""Kaggle's words and shapes: references, states, a kernel's metadata."""

import re
from typing import Any

from kaggle_bridge.backend import Refused, Stage

MACHINE_SHAPES = {"cpu": None, "gpu": "NvidiaTeslaT4", "tpu": "TpuV5E8"}
STAGES = {
    "QUEUED": Stage.QUEUED,
    "RUNNING": Stage.RUNNING,
    "COMPLETE": Stage.COMPLETE,
    "ERROR": Stage.ERROR,
    "CANCELREQUESTED": Stage.RUNNING,
    "CANCELACKNOWLEDGED": Stage.CANCELLED,
    "NEWSCRIPT": Stage.QUEUED,
}
# The service leaves out what has its first value.
FIRST_STATUS, FIRST_DATASET_STATUS = "QUEUED", "NOT_YET_PERSISTED"


def stage(status: str) -> Stage:
    return STAGES.get(word(status, "KERNELWORKERSTATUS"), Stage.UNKNOWN)


def check_title(job: dict[str, Any]) -> None:
    """Kaggle makes the slug of the title; another one would be another kernel."""
    slug = re.sub(r"[^a-z0-9]+", "-", job["title"].lower()).strip("-")
    if slug != split(job["ref"])[1]:
        raise Refused(f"The title {job['title']!r} does not make the slug of {job['ref']}.")


def metadata(job: dict[str, Any]) -> dict[str, Any]:
    """`kernel-metadata.json`; everything that has a default is said."""
    kind, suffix = ("notebook", "ipynb") if job["is_notebook"] else ("script", "py")
    return {
        "id": job["ref"],
        "title": job["title"],
        "code_file": f"kernel.{suffix}",
        "language": "python",
        "kernel_type": kind,
        "is_private": job["is_private"],
        "enable_gpu": job["accelerator"] == "gpu",
        "enable_tpu": job["accelerator"] == "tpu",
        "enable_internet": job["internet"],
        "dataset_sources": list(job["inputs"]),
        "competition_sources": [],
        "kernel_sources": [],
        "model_sources": [],
    }


def of_kernel(request: Any, ref: str, version: int = 0) -> Any:
    request.user_name, request.kernel_slug = split(ref)
    if version:
        request.version_label = f"v{version}"
    return request


def split(ref: str) -> tuple[str, str]:
    owner, slash, slug = ref.partition("/")
    if not (owner and slash and slug):
        raise Refused(f"{ref!r} is not OWNER/SLUG.")
    return owner, slug


def plain_ref(ref: str) -> str:
    """OWNER/SLUG, whatever stands before it."""
    parts = [part for part in ref.split("/") if part]
    return "/".join(parts[-2:]) if len(parts) > 1 else ""


def word(text: str, prefix: str) -> str:
    """The service writes the same word in several ways: cancelAcknowledged, CANCEL_…"""
    return re.sub(r"[^A-Z]", "", text.upper()).removeprefix(prefix)

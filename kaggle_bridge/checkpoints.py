"""Checkpoints that have been looked through become files of the store and rows."""

from typing import Any

from kaggle_bridge import metrics, store
from kaggle_bridge.inspecting.inspection import Found, FoundCheckpoint, InspectionFault
from kaggle_bridge.models import Checkpoint, CheckpointState, Session, TrainingRun
from training.config import FREE, flat

KEPT_OF_MANIFEST = ("task", "created", "versions", "source_hash", "environment")
ENTERABLE = (CheckpointState.KEPT, CheckpointState.WANTED)


def record(run: TrainingRun, session: Session | None, found: Found) -> int:
    """Takes in what is new of it; the number of new checkpoints. Again it changes nothing.

    session: None for what somebody has brought. What is of another run is left out (`misfit`).
    Raises InspectionFault where the disk refuses.
    """
    metrics.keep(run, found.metrics)
    fitting = [each for each in found.checkpoints if not misfit(run, session, each)]
    return sum(_record(run, session, each) for each in fitting)


def newest(run: TrainingRun) -> Checkpoint | None:
    """The one to go on from: the last whose file is there."""
    rows = run.checkpoints.order_by("-step")
    return next((row for row in rows if store.path(row.sha256).is_file()), None)


def misfit(run: TrainingRun, session: Session | None, found: FoundCheckpoint) -> str:
    """Why it is no checkpoint of this run; empty if it is. A session has proved itself by its
    token; of what was brought by hand the configuration must agree, too."""
    task = run.resolved.get("task")
    if found.manifest.get("task") != task:
        return f"Step {found.step:,} is of the task {found.manifest.get('task')!r}, not {task!r}."
    name, wanted = found.manifest.get("environment", {}).get("name"), run.facts.get("environment")
    if wanted and name != wanted:
        return f"Step {found.step:,} was trained on {name!r}, and this run on {wanted!r}."
    keys = _differences(run.resolved, found.manifest.get("config", {})) if session is None else []
    if keys:
        return f"Step {found.step:,} is of a run with another configuration: {', '.join(keys)}."
    return ""


def _differences(here: dict[str, Any], there: dict[str, Any]) -> list[str]:
    ours, theirs = flat(here), flat(there)
    differing = (key for key in ours.keys() | theirs.keys() if ours.get(key) != theirs.get(key))
    return sorted(key for key in differing if key.partition(".")[0] not in FREE)[:5]


def _record(run: TrainingRun, session: Session | None, found: FoundCheckpoint) -> bool:
    """Whether it is new. The file comes first: no row names one that was never there."""
    row = run.checkpoints.filter(step=found.step).first()
    if row is None:
        _keep(found)
        row, is_new = Checkpoint.objects.get_or_create(
            run=run, step=found.step, defaults=_fields(found) | {"session": session}
        )
        if is_new:
            return True
    _complete(row, found)
    return False


def _keep(found: FoundCheckpoint) -> None:
    try:
        store.keep(found.path, found.sha256)
    except store.Changed as error:
        raise InspectionFault(f"A checkpoint could not be stored: {error}") from None
    except OSError as error:  # its own text would name a path of this machine
        raise InspectionFault(f"A checkpoint could not be stored: {error.strerror}.") from None


def _fields(found: FoundCheckpoint) -> dict[str, Any]:
    manifest = {name: found.manifest.get(name) for name in KEPT_OF_MANIFEST}
    return {
        "sha256": found.sha256,
        "size_bytes": found.size_bytes,
        "manifest": manifest | {"step": found.step, "is_wanted": found.is_wanted},
        "arena": found.arena,
    }


def _complete(row: Checkpoint, found: FoundCheckpoint) -> None:
    """The first of a step stays. It may be wanted only now, or its bytes may be gone."""
    if not store.path(row.sha256).is_file() and (
        row.sha256 == found.sha256 or row.state in ENTERABLE
    ):
        _keep(found)
        row.keep(**_fields(found))
    elif found.is_wanted and not row.manifest.get("is_wanted"):
        row.keep(manifest=row.manifest | {"is_wanted": True}, arena=row.arena or found.arena)

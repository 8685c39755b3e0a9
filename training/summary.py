"""`summary.json`: how a run ended and what it leaves, for programs that did not watch it."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from training import checkpoint, manifest
from training.manifest import ManifestError
from training.metrics import Values, finite

NAME = "summary.json"
COMPLETE, STOPPED, FAILED = "complete", "stopped", "failed"


@dataclass(frozen=True)
class Outcome:
    """How a run ended. seconds: trained in this session, and in all; code: of the process."""

    state: str
    code: int
    reason: str
    step: int
    total_steps: int
    seconds: float
    seconds_in_all: float
    metrics: Values = field(default_factory=dict)


def write(folder: Path, outcome: Outcome, about: Mapping[str, Any]) -> None:
    """Replaces the file in one step. about: more to tell, by name. Raises OSError."""
    data = {
        "state": outcome.state,
        "exit_code": outcome.code,
        "reason": outcome.reason,
        "step": outcome.step,
        "total_steps": outcome.total_steps,
        "seconds": round(outcome.seconds, 3),
        "seconds_in_all": round(outcome.seconds_in_all, 3),
        "metrics": finite(outcome.metrics),
        "checkpoints": _checkpoints(folder),
        **about,
    }
    temporary = folder / f".{NAME}.tmp"
    with temporary.open("w", encoding="utf-8") as file:
        json.dump(data, file, ensure_ascii=False, allow_nan=False, indent=1)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(folder / NAME)


def _checkpoints(folder: Path) -> list[dict[str, Any]]:
    """Oldest first; what cannot be read is no checkpoint."""
    found = []
    for path in reversed(checkpoint.candidates(folder)):
        try:
            header = manifest.read(path)
        except ManifestError:
            continue
        found.append({"file": path.name, "step": header.step, "sha256": header.sha256})
    return found

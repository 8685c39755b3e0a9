"""`summary.json`: how a run ended and what it leaves, for programs that did not watch it."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from training import checkpoint, config, manifest, source
from training.config import RunConfig
from training.console import Console
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


def conclude(
    outcome: Outcome, run: RunConfig, folder: Path, console: Console, about: Mapping[str, Any]
) -> None:
    """Says how it ended and writes it down. about: more to tell, by name."""
    tell = console.error if outcome.state == FAILED else console.say
    step, total = outcome.step, outcome.total_steps
    tell(f"{outcome.state} at step {step:,} of {total:,}: {outcome.reason}")
    facts = {
        "warnings": console.warnings,
        "config": config.to_dict(run),
        "versions": source.versions(),
        "source_hash": source.source_hash(),
    }
    try:
        _write(folder, outcome, {**facts, **about})
    except OSError as error:
        console.warn(f"{NAME} cannot be written: {error.strerror}.")


def _write(folder: Path, outcome: Outcome, about: Mapping[str, Any]) -> None:
    """Replaces the file in one step."""
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

"""Saves what a run is at a step, and lives with disks that are full."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from training import checkpoint, config, source
from training.config import RunConfig
from training.manifest import Manifest, now
from training.metrics import Trackers, trackers_to_dict

UNWRITTEN_LIMIT = 200_000  # characters of metrics that a checkpoint takes along


@dataclass(frozen=True)
class Progress:
    """What a run is at a step; replaced as a whole, so that its parts always belong together."""

    state: Any
    step: int
    trackers: Trackers


class Saver:
    """Checkpoints of one run in its folder. warn: told what could not be saved."""

    def __init__(
        self,
        folder: Path,
        run: RunConfig,
        environment: dict[str, Any],
        warn: Callable[[str], None],
    ) -> None:
        self._folder, self._keep, self._warn = folder, run.keep, warn
        version = environment.get("version")
        self._manifest = Manifest(
            task=run.task,
            step=0,
            config=config.to_dict(run),
            versions=source.versions() | ({"environment": str(version)} if version else {}),
            source_hash=source.source_hash(),
            environment=environment,
        )

    @property
    def manifest(self) -> Manifest:
        """What all checkpoints of this session say alike."""
        return self._manifest

    def has_regular(self, step: int) -> bool:
        return checkpoint.regular(self._folder, step).exists()

    def regular(self, progress: Progress) -> bool:
        """Saves at an interval; whether the disk took it. Raises CheckpointError."""
        path = checkpoint.regular(self._folder, progress.step)
        if not self._save(path, progress):
            return False
        try:
            checkpoint.rotate(self._folder, self._keep)
        except OSError as error:
            self._warn(f"Old checkpoints stay in {self._folder}: {error.strerror}.")
        return True

    def emergency(self, progress: Progress) -> Path | None:
        """Saves whatever the interval; the file, or None where the disk did not take it."""
        path = checkpoint.emergency(self._folder, progress.step)
        return path if self._save(path, progress) else None

    def _save(self, path: Path, progress: Progress) -> bool:
        trackers = self._fitting(progress.trackers)
        manifest = replace(
            self._manifest,
            step=progress.step,
            trackers=trackers_to_dict(trackers),
            created=now(),
        )
        try:
            checkpoint.save(path, progress.state, manifest)
        except checkpoint.NotSaved as error:
            self._warn(f"{error}; the run goes on.")
            return False
        return True

    def _fitting(self, trackers: Trackers) -> Trackers:
        """With no more unwritten lines than a header can hold, the newest of them."""
        lines = list(trackers.unwritten)
        while sum(map(len, lines)) > UNWRITTEN_LIMIT:
            lost = json.loads(lines.pop(0))["step"]
            self._warn(f"Metrics up to step {lost:,} are written nowhere yet: free some space.")
        return replace(trackers, unwritten=tuple(lines))

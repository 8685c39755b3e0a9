"""Where a run begins: which checkpoint it goes on from, and whether that is one of this run."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training import checkpoint, config, manifest
from training.config import RunConfig
from training.errors import ConfigError, Refused
from training.folder import step_of
from training.manifest import Manifest, ManifestError


@dataclass(frozen=True)
class Origin:
    """The state to go on from, the manifest it came with and its file."""

    state: Any
    manifest: Manifest
    path: Path


def find(
    folder: Path, resume: str, run: RunConfig, like: Any, warn: Callable[[str], None]
) -> Origin | None:
    """The checkpoint that `resume` (auto, none or a path) stands for; None: the run starts anew.

    Raises Refused where it is none of this run, where all are damaged, or where going on would
    bury newer ones. A damaged one is named by `warn`, and the one before it used.
    """
    paths = checkpoint.candidates(folder)
    if resume == "auto":
        return _newest(paths, run, like, warn)
    if resume == "none":
        if paths:
            raise Refused(
                f"{folder} holds checkpoints up to step {step_of(paths[0]):,}: go on with "
                "--resume auto, or start anew in another folder."
            )
        return None
    return _named(Path(resume), paths, run, like)


def _newest(
    paths: list[Path], run: RunConfig, like: Any, warn: Callable[[str], None]
) -> Origin | None:
    for path in paths:
        try:
            return _load(path, run, like)
        except (ManifestError, checkpoint.Damaged) as error:
            warn(f"{error}; the checkpoint before it is used.")
    if paths:
        raise Refused(
            f"None of the {len(paths)} checkpoints in {paths[0].parent} can be read; "
            "move them away to start anew."
        )
    return None


def _named(path: Path, paths: list[Path], run: RunConfig, like: Any) -> Origin:
    try:
        origin = _load(path, run, like)
    except (ManifestError, checkpoint.Damaged) as error:
        raise Refused(f"{error}.") from None
    newer = [each for each in paths if step_of(each) > origin.manifest.step]
    if newer:
        raise Refused(
            f"{newer[0]} is newer than {path.name}: move it away, or go on from {path.name} "
            "in another folder."
        )
    return origin


def _load(path: Path, run: RunConfig, like: Any) -> Origin:
    _check(path, manifest.read(path), run)
    try:
        state, found = checkpoint.load(path, like)
    except checkpoint.Mismatch as error:
        raise Refused(f"{error}.") from None
    return Origin(state, found, path)


def _check(path: Path, found: Manifest, run: RunConfig) -> None:
    """Raises Refused for a checkpoint whose run would have gone another way."""
    try:
        there = config.flat(config.to_dict(config.from_dict(found.config)))
    except ConfigError as error:
        raise Refused(
            f"{path.name} was saved by a version with another configuration: {error}"
        ) from None
    here = config.flat(config.to_dict(run))
    differing = [
        f"{key} ({there.get(key)!r} there, {here.get(key)!r} here)"
        for key in sorted(there.keys() | here.keys())
        if there.get(key) != here.get(key) and key.partition(".")[0] not in config.FREE
    ]
    if differing:
        raise Refused(
            f"{path.name} is of a run with another configuration, which cannot go on exactly: "
            f"{', '.join(differing)}."
        )


def differences(saved: Manifest, now: Manifest) -> list[str]:
    """Sentences on what may keep the run from going on to the bit as it would have."""
    found = [
        f"The checkpoint was saved with {name} {version}, this is {name} {now.versions[name]}."
        for name, version in saved.versions.items()
        if now.versions.get(name, version) != version
    ]
    if saved.source_hash != now.source_hash:
        found.append("The sources have changed since the checkpoint was saved.")
    return found

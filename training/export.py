"""A checkpoint becomes an ordinary submission: a main.py that plays in NumPy. No JAX here.

What it is made of is told by the task's own module: `export_boards`, `export_colony`.
"""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training import export_boards, export_colony, packing, storage
from training.folder import candidates, replacing
from training.manifest import Manifest, ManifestError
from training.packing import ExportError, Recipe

MAX_MOVE_SECONDS = 60.0
RECIPES = {"selfplay": export_boards.recipe, "foraging": export_colony.recipe}
FIXED = {"selfplay": export_boards.FIXED, "foraging": export_colony.FIXED}


@dataclass(frozen=True)
class Summary:
    """What was written. parameters: the number of weights."""

    path: Path
    sha256: str
    size_bytes: int
    environment: str
    step: int
    parameters: int

    def __str__(self) -> str:
        return (
            f"{self.path}: {self.size_bytes:,} bytes, sha256 {self.sha256};"
            f" plays {self.environment} with {self.parameters:,} weights of step {self.step:,}"
        )


def export(checkpoint: Path, out: Path, move_seconds: float = 0.2) -> Summary:
    """Writes an agent (.tar.gz, or .py for a single file).

    checkpoint: a file, or the folder of a run, whose newest one is taken. move_seconds: how long
    it thinks for a move, where it searches.
    The same weights and options give the same bytes. Raises ExportError; `out` is then as before.
    """
    if not (math.isfinite(move_seconds) and 0 < move_seconds <= MAX_MOVE_SECONDS):
        raise ExportError(
            f"A move takes more than 0 and at most {MAX_MOVE_SECONDS:g} seconds,"
            f" not {move_seconds:g}."
        )
    pack = packing.packer(out.name)
    recipe = read_recipe(newest(checkpoint), move_seconds)
    content = pack(recipe)
    write_whole(out, content)
    return Summary(
        path=out,
        sha256=hashlib.sha256(content).hexdigest(),
        size_bytes=len(content),
        environment=recipe.about["environment"],
        step=recipe.about["step"],
        parameters=recipe.parameters,
    )


def misfit(
    found: Manifest, environment: str, version: str, configuration: Mapping[str, Any]
) -> str:
    """Why an agent of this checkpoint cannot play such a game; empty if it can."""
    trained = found.environment
    here = f"{environment} {version}"
    there = f"{trained.get('name')} {trained.get('version')}"
    if there != here:
        return f"This checkpoint was trained on {there}, not on {here}."
    before = trained.get("configuration")
    for key in FIXED.get(found.task, ()):
        wanted, value = configuration.get(key), dict(before or {}).get(key)
        if value != wanted:
            return f"This checkpoint was trained with {key} {value!r}, not {wanted!r}."
    return ""


def newest(path: Path) -> Path:
    """The checkpoint itself, or the newest in a folder."""
    if not path.is_dir():
        return path
    found = candidates(path)
    if not found:
        raise ExportError(f"There is no checkpoint in {path}.")
    return found[0]


def read_recipe(checkpoint: Path, move_seconds: float) -> Recipe:
    """What its task makes of a checkpoint, all checked."""
    try:
        tensors, found = storage.read(checkpoint)
    except ManifestError as error:
        raise ExportError(error.message) from None
    if found.task not in RECIPES:
        raise ExportError(
            f"This checkpoint is of the task {found.task!r}; agents can be made of"
            f" {' and '.join(RECIPES)} only."
        )
    return RECIPES[found.task](found, tensors, move_seconds)


def write_whole(out: Path, content: bytes) -> None:
    try:
        with replacing(out) as file:
            file.write(content)
    except OSError as error:
        raise ExportError(
            f"{out} cannot be written ({error.strerror}): "
            "make its folder first, or give another path."
        ) from None

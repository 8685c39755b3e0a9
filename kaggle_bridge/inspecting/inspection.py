"""Has a child process look at what came from outside, and believes of its answer what is sound.

The child (`examine`) sees no credentials and keeps within limits; what it reads may be hostile.
"""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from types import MappingProxyType
from typing import Annotated, Any

from django.conf import settings
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

from kaggle_bridge.inspecting import __name__ as PACKAGE

MEMORY_BYTES = 2 << 30
CPU_S = 300
WALL_S = 400.0
FILE_BYTES = 1 << 30
ANSWER_BYTES = 64 << 20
VARIABLES = ("PATH", "LANG")

Step = Annotated[int, Field(ge=0, lt=10**18)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
NAME = r"^((checkpoints|resume)/[A-Za-z0-9][A-Za-z0-9_-]{0,80}\.safetensors)?$"


class InspectionError(Exception):
    """The thing that was looked at is to blame: one sentence."""


class InspectionFault(Exception):
    """We are to blame, or the moment: later it may go well. One sentence."""


@dataclass(frozen=True)
class FoundCheckpoint:
    """A sound one. manifest: task, step, versions, source_hash, environment, config, created.

    is_wanted: one of those that were to become entrants. arena: its result there, in Elo.
    """

    path: Path
    step: int
    sha256: str
    size_bytes: int
    manifest: dict[str, Any]
    is_wanted: bool
    is_resume: bool
    arena: float | None


@dataclass(frozen=True)
class Found:
    """state: running, complete, stopped, failed, refused; empty where nothing was said.

    result: what the kernel said of its end. metrics: lines with their step. problems: sentences on
    what is not among the rest because it is bad.
    """

    state: str
    step: int
    result: dict[str, Any]
    checkpoints: tuple[FoundCheckpoint, ...]
    metrics: tuple[dict[str, Any], ...]
    problems: tuple[str, ...]


@dataclass(frozen=True)
class Agent:
    path: Path
    sha256: str
    size_bytes: int


def look_at_output(folder: Path, run: int, token: str) -> Found:
    """What a session has left: of this run and token, or nothing of it counts.

    Raises InspectionFault.
    """
    answer = _ask({"do": "output", "folder": str(folder), "run": run, "token": token})
    return _found(answer, folder)


def look_at_upload(file: Path, filename: str, into: Path) -> Found:
    """A .zip of an output folder, unpacked into an empty one, or a single .safetensors.

    Raises InspectionError, InspectionFault.
    """
    order = {"do": "upload", "file": str(file), "filename": filename, "into": str(into)}
    is_single = filename.lower().endswith(".safetensors")
    return _found(_ask(order), file if is_single else into)


def export_agent(
    checkpoint: Path,
    out: Path,
    environment: str,
    version: str,
    move_seconds: float,
    configuration: Mapping[str, Any] = MappingProxyType({}),
) -> Agent:
    """Packs an agent (.tar.gz) of a checkpoint that fits this game; the same bytes each time.

    Raises InspectionError, InspectionFault.
    """
    game = {
        "environment": environment,
        "version": version,
        "configuration": dict(configuration),
    }
    order = {"do": "export", "checkpoint": str(checkpoint), "out": str(out), "game": game}
    _ask(order | {"move_seconds": move_seconds})
    try:
        content = out.read_bytes()
    except OSError:
        raise InspectionFault("The packed agent is gone.") from None
    return Agent(out, hashlib.sha256(content).hexdigest(), len(content))


# The child


def _ask(order: dict[str, Any]) -> dict[str, Any]:
    """The answer of a child process. Raises InspectionError, InspectionFault."""
    limits = {"memory_bytes": MEMORY_BYTES, "cpu_s": CPU_S, "file_bytes": FILE_BYTES}
    text = json.dumps({**order, **limits, "parent": os.getpid()})
    try:
        with TemporaryDirectory(prefix="examine-") as folder, TemporaryFile() as out:
            code = _run(text, Path(folder), out)
            if code != 0:
                raise InspectionFault(f"The inspection ended with code {code}.")
            answer = _read(out)
    except OSError as error:
        raise InspectionFault(f"The inspection could not run: {error.strerror}.") from None
    if bad := answer.get("bad"):
        raise InspectionError(str(bad)[:500])
    return answer


def _run(text: str, folder: Path, out: Any) -> int:
    """The exit code. Only what it prints counts; its complaints go to our own."""
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-B", "-m", f"{PACKAGE}.examine"],
            input=text.encode(),
            stdout=out,
            env=_environment(),
            cwd=folder,
            timeout=WALL_S,
            start_new_session=True,
        )
    except subprocess.TimeoutExpired:
        raise InspectionFault(f"The inspection took longer than {WALL_S:g} seconds.") from None
    return done.returncode


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in VARIABLES if name in os.environ}
    return kept | {"PYTHONPATH": str(settings.BASE_DIR)}


def _read(out: Any) -> dict[str, Any]:
    if out.seek(0, 2) > ANSWER_BYTES:
        raise InspectionFault("The inspection has answered more than it may.")
    out.seek(0)
    try:
        answer = json.loads(out.read())
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        raise InspectionFault("The inspection gave no answer.")
    return answer


# Its answer


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")


class _Checkpoint(_Strict):
    name: Annotated[str, Field(pattern=NAME)]
    step: Step
    sha256: Sha256
    size_bytes: Annotated[int, Field(ge=0)]
    manifest: dict[str, Any]
    is_wanted: bool
    is_resume: bool
    arena: FiniteFloat | None


class _Answer(_Strict):
    state: Annotated[str, Field(pattern=r"^(running|complete|stopped|failed|refused|)$")]
    step: Step
    result: dict[str, Any]
    checkpoints: list[_Checkpoint]
    metrics: list[dict[str, Any]]
    problems: list[str]


def _found(answer: dict[str, Any], folder: Path) -> Found:
    try:
        told = _Answer(**answer)
    except ValidationError:
        raise InspectionFault("The inspection gave an answer of another form.") from None
    return Found(
        state=told.state,
        step=told.step,
        result=told.result,
        checkpoints=tuple(_checkpoint(each, folder) for each in told.checkpoints),
        metrics=tuple(told.metrics),
        problems=tuple(each[:500] for each in told.problems),
    )


def _checkpoint(told: _Checkpoint, folder: Path) -> FoundCheckpoint:
    """A file that was sent by itself has no name: it is the `folder`."""
    fields = told.model_dump()
    return FoundCheckpoint(path=folder / fields.pop("name"), **fields)

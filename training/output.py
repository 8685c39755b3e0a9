"""What a session leaves: checkpoints, metrics, a result, and a manifest that is always true.

A file is there before the manifest names it, and goes after the manifest has dropped it; so a
session that is killed leaves a manifest of which every file verifies. metrics.jsonl grows, and is
named when it has ended.
"""

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from training import inputs
from training.folder import replacing, step_of
from training.order import Order

SCHEMA = 1
MANIFEST, METRICS, RESULT = "manifest.json", "metrics.jsonl", "result.json"
CHECKPOINTS, RESUME = "checkpoints", "resume"
Entry = dict[str, Any]


class Output:
    """In a folder that then holds nothing of a session before. Methods raise OSError."""

    def __init__(self, folder: Path, order: Order) -> None:
        self._folder = folder
        self._about = {
            "schema": SCHEMA,
            "run": order.run,
            "session": order.session,
            "token": order.token,
            "source_hash": order.source_hash,
        }
        self._files: dict[str, Entry] = {}
        self._state, self._step = "running", order.resume.step if order.resume else 0

    def begin(self) -> None:
        for name in (MANIFEST, METRICS, RESULT):
            (self._folder / name).unlink(missing_ok=True)
        for name in (CHECKPOINTS, RESUME):
            shutil.rmtree(self._folder / name, ignore_errors=True)
            (self._folder / name).mkdir(parents=True)
        self._write_manifest()

    def add(self, checkpoint: Path) -> tuple[str, Entry]:
        """A checkpoint that is wanted; its name here, and what the manifest says of it."""
        return self._take(checkpoint, CHECKPOINTS)

    def resume(self, checkpoint: Path) -> tuple[str, Entry]:
        """The one to go on from, in place of the one before."""
        before = [name for name in self._files if name.startswith(f"{RESUME}/")]
        name, entry = self._take(checkpoint, RESUME, instead_of=before)
        for old in before:
            if old != name:
                (self._folder / old).unlink(missing_ok=True)
        return name, entry

    def has(self, checkpoint: Path) -> bool:
        """Whether this is the one to go on from."""
        return f"{RESUME}/{checkpoint.name}" in self._files

    def metrics(self, line: bytes) -> None:
        """A whole line."""
        with (self._folder / METRICS).open("ab", buffering=0) as file:
            file.write(line)

    def end(self, result: Mapping[str, Any]) -> None:
        text = json.dumps(result, ensure_ascii=False, indent=1)
        self._replace(RESULT, text.encode())
        for name in (METRICS, RESULT):
            if (self._folder / name).exists():
                content = (self._folder / name).read_bytes()
                self._files[name] = _entry(len(content), hashlib.sha256(content).hexdigest())
        self._state = result["state"]
        self._write_manifest()

    @property
    def step(self) -> int:
        """Of the newest checkpoint here."""
        return self._step

    def _take(
        self, checkpoint: Path, folder: str, instead_of: list[str] | None = None
    ) -> tuple[str, Entry]:
        name, step = f"{folder}/{checkpoint.name}", step_of(checkpoint)
        entry = _entry(*inputs.copy(checkpoint, self._folder / name)) | {"step": step}
        kept = {key: each for key, each in self._files.items() if key not in (instead_of or ())}
        self._files = kept | {name: entry}
        self._step = max(self._step, step)
        self._write_manifest()
        return name, entry

    def _write_manifest(self) -> None:
        facts = {"state": self._state, "step": self._step, "files": self._files}
        self._replace(MANIFEST, json.dumps(self._about | facts, indent=1).encode())

    def _replace(self, name: str, content: bytes) -> None:
        with replacing(self._folder / name) as file:
            file.write(content)


def _entry(size_bytes: int, sha256: str) -> Entry:
    return {"size_bytes": size_bytes, "sha256": sha256}

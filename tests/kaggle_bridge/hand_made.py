"""Runs, and what their sessions leave, made by hand: sound checkpoints with random weights."""

import hashlib
import json
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

import evaluation
from kaggle_bridge.models import TrainingRun
from training import export_boards, safetensors, storage
from training.folder import replacing
from training.manifest import Manifest, hex_crc32, metadata, sealed
from training.metrics import Trackers, trackers_to_dict

GAMES = {
    "tictactoe": {"rows": 3, "columns": 3, "inarow": 3},
    "connectx": {"rows": 6, "columns": 7, "inarow": 4},
}
NETWORK = {"kind": "mlp", "width": 8, "depth": 1}
TOKEN = "0123456789abcdef"


def version(game: str) -> str:
    return str(evaluation.make(game).version)


def config(game: str = "tictactoe", **changes: Any) -> dict[str, Any]:
    selfplay = {"environment": game, "network": NETWORK}
    return {"task": "selfplay", "seed": 0, "save_interval": 100, "selfplay": selfplay} | changes


def make_run(game: str = "tictactoe", **fields: Any) -> TrainingRun:
    facts = {"task": "selfplay", "environment": game, "version": version(game), "has_arena": True}
    values = {
        "preset": game, "resolved": config(game, total_steps=1000), "facts": facts,
        "total_steps": 1000, "backend": "local", "session_s": 600,
    }  # fmt: skip
    return TrainingRun.objects.create(**(values | fields))


def write_checkpoint(
    path: Path, step: int = 100, game: str = "tictactoe", arena: float | None = None, **changes: Any
) -> Path:
    """changes: to the manifest; `tensors` take the place of the random ones."""
    environment = {"name": game, "version": version(game), "configuration": GAMES[game]}
    latest = {} if arena is None else {"arena/elo": arena}
    evaluated = 0 if arena is None else step
    fields = {
        "task": "selfplay",
        "step": step,
        "config": config(game, total_steps=1000),
        "environment": environment,
        "source_hash": "5" * 64,
        "trackers": trackers_to_dict(Trackers(logged=step, evaluated=evaluated, latest=latest)),
    }
    tensors = changes.pop("tensors", None) or weights(game, seed=step)
    path.parent.mkdir(parents=True, exist_ok=True)
    write = storage.write if storage_takes(tensors) else forge
    with replacing(path) as file:
        write(file, tensors, Manifest(**(fields | changes)))
    return path


def storage_takes(tensors: dict[str, np.ndarray]) -> bool:
    return all(np.isfinite(array).all() for array in tensors.values())


def forge(file: BinaryIO, tensors: dict[str, np.ndarray], manifest: Manifest) -> None:
    """What saving would refuse, with sound sums."""
    layout = safetensors.ordered(tensors)
    sums = [hex_crc32(zlib.crc32(safetensors.data(array))) for array in layout.values()]
    raw = safetensors.header(layout, metadata(replace(manifest, crc32=sums)))
    file.write(safetensors.with_length(sealed(raw)))
    safetensors.write_tensors(file, layout)


def weights(game: str = "tictactoe", seed: int = 0) -> dict[str, np.ndarray]:
    about = {"environment": game, "configuration": GAMES[game], "network": NETWORK}
    rng = np.random.default_rng(seed)
    shapes = export_boards.expected_shapes(about)
    return {name: rng.normal(0, 0.3, shape).astype(np.float32) for name, shape in shapes.items()}


def entry(path: Path, **more: Any) -> dict[str, Any]:
    """What a manifest says of a file."""
    content = path.read_bytes()
    return {"size_bytes": len(content), "sha256": hashlib.sha256(content).hexdigest(), **more}


class Output:
    """The folder that a session leaves; `seal` writes its manifest."""

    def __init__(self, folder: Path, run: int = 1, token: str = TOKEN) -> None:
        self.folder = folder
        self.files: dict[str, Any] = {}
        self.manifest: dict[str, Any] = {
            "schema": 1, "run": run, "session": 1, "token": token, "source_hash": "5" * 64,
            "state": "complete", "step": 0, "files": self.files,
        }  # fmt: skip
        folder.mkdir(parents=True, exist_ok=True)

    def add(self, name: str, content: bytes) -> Path:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        self.files[name] = entry(path)
        return path

    def checkpoint(self, step: int, kind: str = "checkpoints", **changes: Any) -> Path:
        name = f"{kind}/step_{step}.safetensors"
        path = write_checkpoint(self.folder / name, step, **changes)
        self.files[name] = entry(path, step=step)
        self.manifest["step"] = max(self.manifest["step"], step)
        return path

    def lines(self, *lines: Any) -> Path:
        texts = (line if isinstance(line, str) else json.dumps(line) for line in lines)
        return self.add("metrics.jsonl", "".join(f"{text}\n" for text in texts).encode())

    def result(self, **fields: Any) -> Path:
        return self.add("result.json", json.dumps({"state": "complete"} | fields).encode())

    def seal(self, **changes: Any) -> Path:
        (self.folder / "manifest.json").write_text(json.dumps(self.manifest | changes))
        return self.folder

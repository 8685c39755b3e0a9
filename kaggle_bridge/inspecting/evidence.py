"""What a session has left in a folder, read with care: nothing there is believed unchecked.

Runs in the child process of `examine` only. What is bad is named in a sentence; the rest counts.
"""

import hashlib
import json
import math
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from training import storage
from training.manifest import Manifest, ManifestError

MANIFEST, RESULT, METRICS = "manifest.json", "result.json", "metrics.jsonl"
CHECKPOINT = re.compile(r"(checkpoints|resume)/[A-Za-z0-9][A-Za-z0-9_-]{0,80}\.safetensors")
STATES = ("running", "complete", "stopped", "failed", "refused")
SCHEMA = 1
MOST_FILES = 100
MOST_BYTES = 512 << 20  # of a checkpoint
MOST_JSON_BYTES = 256 << 10
MOST_MANIFEST_CHARS = 64 << 10
MOST_METRICS_BYTES = 32 << 20
MOST_LINES, MOST_LINE_BYTES, MOST_NAMES = 20_000, 64 << 10, 200
MOST_EVENTS_CHARS = 20_000
MOST_STEP = 10**18
MOST_PROBLEMS = 20
CHUNK_BYTES = 1 << 20
ARENA = "arena/elo"
SHOWN = ("task", "step", "created", "versions", "source_hash", "environment", "config")
RESULT_TYPES: dict[str, tuple[type, ...]] = {
    "state": (str,),
    "exit_code": (int,),
    "reason": (str,),
    "knob": (str,),
    "first_step": (int,),
    "step": (int,),
    "total_steps": (int,),
    "seconds": (int, float),
    "report": (dict,),
}

Json = dict[str, Any]


class Bad(Exception):
    """One sentence on what is wrong with what was found."""


def look(folder: Path, expected: tuple[int, str] | None) -> Json:
    """expected: run and token that the manifest must have; None: of whom it is, is not known."""
    found = _nothing()
    try:
        manifest = _manifest(folder, expected)
    except Bad as error:
        return found | {"problems": [str(error)]}
    problems: list[str] = []
    lines = _metrics(folder, manifest, problems)
    checkpoints = _checkpoints(folder, manifest["files"], problems)
    for each in checkpoints:
        if each["arena"] is None:
            each["arena"] = _arena_at(lines, each["step"])
    steps = [each["step"] for each in checkpoints]
    return {
        "state": manifest["state"],
        "step": max([manifest["step"], *steps]),
        "result": _result(folder, manifest, problems),
        "checkpoints": checkpoints,
        "metrics": lines,
        "problems": problems[:MOST_PROBLEMS],
    }


def look_at_file(path: Path) -> Json:
    """One checkpoint by itself. Raises Bad."""
    one = checkpoint(path) | {"name": "", "is_wanted": True, "is_resume": True}
    return _nothing() | {"step": one["step"], "checkpoints": [one]}


def _nothing() -> Json:
    return {
        "state": "", "step": 0, "result": {}, "checkpoints": [], "metrics": [], "problems": [],
    }  # fmt: skip


# The manifest of the folder


def _manifest(folder: Path, expected: tuple[int, str] | None) -> Json:
    path = plain_file(folder, MANIFEST)
    if path is None:
        raise Bad(f"There is no {MANIFEST} in the output.")
    data = _object(path)
    files = data.get("files")
    is_sound = (
        data.get("schema") == SCHEMA
        and data.get("state") in STATES
        and is_step(data.get("step"))
        and isinstance(files, dict)
        and all(isinstance(each, dict) for each in files.values())
    )
    if not is_sound or not isinstance(files, dict):
        raise Bad(f"{MANIFEST} is none that a session of ours writes.")
    if len(files) > MOST_FILES:
        raise Bad(f"{MANIFEST} names {len(files):,} files, {MOST_FILES} are allowed.")
    if expected and (data.get("run"), data.get("token")) != expected:
        raise Bad(f"{MANIFEST} is of another session: this output is not the one asked for.")
    return data


def plain_file(folder: Path, name: str) -> Path | None:
    """The file, if it is one and no part of the way to it is a link. name: relative, checked."""
    path = folder
    for part in name.split("/"):
        path = path / part
        if path.is_symlink():
            return None
    try:
        return path if stat.S_ISREG(path.lstat().st_mode) else None
    except OSError:
        return None


def _object(path: Path) -> Json:
    """A JSON object of a size that can be one of ours."""
    if path.stat().st_size > MOST_JSON_BYTES:
        raise Bad(f"{path.name} is larger than {MOST_JSON_BYTES >> 10} KB.")
    data = _json(path.read_bytes())
    if not isinstance(data, dict):
        raise Bad(f"{path.name} is not a JSON object.")
    return data


def _json(raw: bytes) -> Any:
    """None for what cannot be read, or not be said in JSON and in a database again."""
    try:
        value = json.loads(raw)
        text = json.dumps(value, allow_nan=False, ensure_ascii=False)
        text.encode()
    except (ValueError, RecursionError):
        return None
    return None if "\\u0000" in text else value


def is_step(value: object) -> bool:
    return type(value) is int and 0 <= value < MOST_STEP


# Checkpoints


def _checkpoints(folder: Path, files: Json, problems: list[str]) -> list[Json]:
    """One for each step; of two files the one that was wanted."""
    found: dict[int, Json] = {}
    for name in sorted(files):
        if not CHECKPOINT.fullmatch(name):
            if not _is_tame(name):
                problems.append(f"{MANIFEST} names a file {name[:80]!r}, which is not looked at.")
            continue
        try:
            one = _listed(folder, name, files[name])
        except Bad as error:
            problems.append(str(error))
            continue
        first = found.setdefault(one["step"], one)
        first["is_resume"] |= one["is_resume"]
    return [found[step] for step in sorted(found)]


def _is_tame(name: str) -> bool:
    return bool(re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", name))


def _listed(folder: Path, name: str, entry: Json) -> Json:
    """A checkpoint that the manifest names. Raises Bad."""
    path = plain_file(folder, name)
    if path is None:
        raise Bad(f"{name} is missing.")
    size, sha256 = entry.get("size_bytes"), entry.get("sha256")
    if path.stat().st_size != size:
        raise Bad(f"{name} has {path.stat().st_size:,} bytes, not the {size!r:.20} it should have.")
    one = checkpoint(path, sha256)
    if entry.get("step", one["step"]) != one["step"]:
        raise Bad(f"{name} is of step {one['step']:,}, not of {entry['step']!r:.20}.")
    is_wanted = name.startswith("checkpoints/")
    return one | {"name": name, "is_wanted": is_wanted, "is_resume": not is_wanted}


def checkpoint(path: Path, expected: object = None) -> Json:
    """A sound one: its bytes, its header, all its sums, its weights finite. Raises Bad.

    expected: SHA-256 of its bytes, where somebody has said it.
    """
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise Bad(f"{path.name} is larger than {MOST_BYTES >> 20} MB.")
    sha256 = sha256_of(path)
    if expected is not None and sha256 != expected:
        raise Bad(f"{path.name} is damaged: its SHA-256 is not the one in {MANIFEST}.")
    try:
        _, manifest = storage.read(path)
    except ManifestError as error:
        raise Bad(f"{error.message}.") from None
    return {
        "step": manifest.step,
        "sha256": sha256,
        "size_bytes": size,
        "manifest": _shown(path, manifest),
        "arena": _arena(manifest),
    }


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _shown(path: Path, manifest: Manifest) -> Json:
    shown = {name: getattr(manifest, name) for name in SHOWN}
    text = json.dumps(shown, ensure_ascii=False)
    if len(text) > MOST_MANIFEST_CHARS or "\\u0000" in text:
        raise Bad(f"{path.name} says more of itself than a checkpoint of ours does.")
    return shown


def _arena(manifest: Manifest) -> float | None:
    """Its result in the arena, where it was evaluated itself, and not only one before it."""
    trackers = manifest.trackers
    latest = trackers.get("latest")
    if trackers.get("evaluated") != manifest.step or not isinstance(latest, dict):
        return None
    return _finite(latest.get(ARENA))


def _arena_at(lines: list[Json], step: int) -> float | None:
    values = [line[ARENA] for line in lines if line["step"] == step and ARENA in line]
    return _finite(values[-1]) if values else None


def _finite(value: object) -> float | None:
    if type(value) not in (int, float):
        return None
    try:
        number = float(value)  # type: ignore[arg-type]
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


# Metrics and result


def _metrics(folder: Path, manifest: Json, problems: list[str]) -> list[Json]:
    path = plain_file(folder, METRICS)
    if path is None:
        if METRICS in manifest["files"]:
            problems.append(f"{METRICS} is missing.")
        return []
    if not _is_as_listed(path, manifest):
        problems.append(f"{METRICS} is not the file that {MANIFEST} names.")
    lines = []
    for raw in _lines(path, problems):
        if line := metric(_json(raw)):
            lines.append(line)
    return lines


def _is_as_listed(path: Path, manifest: Json) -> bool:
    """A session that was killed has written on since it wrote its manifest."""
    entry = manifest["files"].get(path.name)
    if entry is None or manifest["state"] == "running" or path.stat().st_size > MOST_METRICS_BYTES:
        return True
    return bool(sha256_of(path) == entry.get("sha256"))


def _lines(path: Path, problems: list[str]) -> Iterator[bytes]:
    """Whole lines of a bearable length, up to the limits."""
    if path.stat().st_size > MOST_METRICS_BYTES:
        problems.append(f"{METRICS} is larger than {MOST_METRICS_BYTES >> 20} MB; it is not read.")
        return
    with path.open("rb") as file:
        for number, raw in enumerate(file):
            if number == MOST_LINES:
                problems.append(f"{METRICS} has more than {MOST_LINES:,} lines; they count so far.")
                return
            if raw.endswith(b"\n") and len(raw) <= MOST_LINE_BYTES:
                yield raw


def metric(data: object) -> Json | None:
    """A line: its step, finite numbers or null by name, and events of a bearable size."""
    if not isinstance(data, dict) or not is_step(data.get("step")):
        return None
    names = [name for name in data if name not in ("step", "events")][:MOST_NAMES]
    values = {name: data[name] for name in names if _is_number(data[name])}
    events = data.get("events")
    if isinstance(events, list) and len(json.dumps(events)) <= MOST_EVENTS_CHARS:
        values["events"] = [event for event in events if isinstance(event, dict)]
    return {"step": data["step"], **values}


def _is_number(value: object) -> bool:
    return value is None or _finite(value) is not None


def _result(folder: Path, manifest: Json, problems: list[str]) -> Json:
    """What the kernel says of its end; empty where it did not come to that."""
    path = plain_file(folder, RESULT)
    if path is None:
        return {}
    try:
        data = _object(path)
    except Bad as error:
        problems.append(str(error))
        return {}
    if data.get("state") != manifest["state"]:
        return {}  # it was about to end, and was killed before the manifest said so
    return {
        name: data[name][:500] if isinstance(data[name], str) else data[name]
        for name, kinds in RESULT_TYPES.items()
        if type(data.get(name)) in kinds
    }

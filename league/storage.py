"""Files in DATA_DIR: uploads by content hash, replays and private logs by episode."""

import hashlib
import logging
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

from django.conf import settings

from evaluation import bundle, replay
from evaluation.errors import InvalidArgument
from league.errors import NotFound
from league.models import Episode

logger = logging.getLogger(__name__)

# What a move's log holds; a worker's file is data from another trust zone and may lack some.
NUMBER = (int, float)
LOG_ENTRY: dict[str, tuple[type | tuple[type, ...], Any]] = {
    "step": (int, 0),
    "stdout": (str, ""),
    "stderr": (str, ""),
    "seconds": (NUMBER, 0.0),
    "bank_left": (NUMBER, None),
    "wall": (NUMBER, None),
    "cpu": (NUMBER, None),
    "delay": (NUMBER, None),
    "think": (NUMBER, None),
}


def upload_path(sha256: str) -> Path:
    return bundle.upload_path(Path(settings.DATA_DIR), sha256)


def save_upload(content: bytes) -> str:
    """Stores an upload under its SHA-256, which it returns. The same bytes are stored once."""
    sha256 = hashlib.sha256(content).hexdigest()
    path = upload_path(sha256)
    if not path.exists() or path.stat().st_size != len(content):
        # The worker that unpacks it has a uid of its own; the folder above is closed to others.
        write_atomically(path, content, mode=0o644)
    return sha256


def replay_path(episode_id: int) -> Path:
    return _episode_file("replays", episode_id)


def logs_path(episode_id: int) -> Path:
    return _episode_file("logs", episode_id)


def _episode_file(kind: str, episode_id: int) -> Path:
    folder = Path(settings.DATA_DIR) / "episodes" / kind / f"{episode_id // 1000:06d}"
    old = folder / f"{episode_id}.json.gz"  # the name and form of the first leagues
    return old if old.exists() else folder / f"{episode_id}.packed"


def save_episode_files(episode_id: int, replay_bytes: bytes, logs: bytes) -> None:
    """Not flushed to the disk: the caller holds the database, and results matter more."""
    write_atomically(replay_path(episode_id), replay_bytes, durable=False)
    write_atomically(logs_path(episode_id), logs, durable=False)


def write_atomically(
    path: Path, content: bytes, *, durable: bool = True, mode: int = 0o600
) -> None:
    """The file is there whole or not at all, also when the process is killed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, mode)
            file.write(content)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def remove_leftovers() -> int:
    """What a killed process left half-written, an hour ago or longer."""
    folder, old = Path(settings.DATA_DIR), time.time() - 3600
    found = [*folder.glob("agents/*/.unpacking-*"), *folder.glob("*/**/.*.part")]
    late = [path for path in found if path.lstat().st_mtime < old]
    for path in late:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    return len(late)


def read_replay_json(episode: Episode) -> bytes:
    """The public replay in the JSON form of kaggle-environments, as text."""
    packed = read_replay_bytes(episode)
    try:
        return replay.unpack(packed, settings.REPLAY_MAX_UNPACKED_BYTES)
    except InvalidArgument as error:
        _report_unreadable(error)
        raise NotFound("This replay is damaged; its result is kept.") from None


def read_replay_bytes(episode: Episode) -> bytes:
    """The replay as stored."""
    try:
        if packed := replay_path(episode.pk).read_bytes():
            return packed
        raise OSError(f"the replay of {episode} is empty")  # as a power cut may leave it
    except OSError as error:
        _report_unreadable(error)
        raise NotFound("This replay is not kept any more; its result is.") from None


def _report_unreadable(error: Exception) -> None:
    """A file that is gone may have been tidied away; anything else is for the organiser."""
    if not isinstance(error, FileNotFoundError):
        logger.error("a file of an episode cannot be read: %s", error)


def read_logs(episode: Episode, seat_number: int) -> list[dict[str, Any]]:
    """What the agent in this seat printed, and what each move cost it; for its owner only."""
    try:
        seats = replay.from_bytes(logs_path(episode.pk).read_bytes()).get("seats", [])
    except (OSError, InvalidArgument) as error:
        _report_unreadable(error)
        return []
    entries = seats[seat_number] if seat_number < len(seats) else []
    return [
        {name: _sound(entry.get(name), *expected) for name, expected in LOG_ENTRY.items()}
        for entry in entries
    ]


def _sound(value: Any, kind: type | tuple[type, ...], empty: Any) -> Any:
    return value if isinstance(value, kind) else empty

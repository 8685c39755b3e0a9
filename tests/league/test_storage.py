"""Files: stored once under their hash, whole or not at all, and nothing half-written is kept."""

import gzip
import os
import time
from pathlib import Path

import pytest

from evaluation import replay
from league import storage
from league.errors import NotFound
from league.models import Episode


def test_the_same_bytes_are_stored_once_and_only_their_owner_may_change_them() -> None:
    first = storage.save_upload(b"agent")
    written = storage.upload_path(first).stat()
    assert storage.save_upload(b"agent") == first
    assert storage.upload_path(first).stat().st_mtime_ns == written.st_mtime_ns
    assert written.st_mode & 0o777 == 0o644, "a worker under a uid of its own unpacks them"


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "file"
    storage.write_atomically(path, b"old")
    with pytest.raises(TypeError):
        storage.write_atomically(path, "no bytes")  # type: ignore[arg-type]
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_leftovers_of_killed_processes_are_removed_after_an_hour(settings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path
    old, new, folder = (
        tmp_path / "uploads/ab/.old.part", tmp_path / "uploads/ab/.new.part",
        tmp_path / "agents/ab/.unpacking-1",
    )  # fmt: skip
    folder.mkdir(parents=True)
    old.parent.mkdir(parents=True)
    for file in (old, new, old.parent / "whole"):
        file.write_bytes(b"x")
    for path in (old, folder):
        os.utime(path, (time.time() - 4000,) * 2)
    assert storage.remove_leftovers() == 2
    assert {path.name for path in old.parent.iterdir()} == {".new.part", "whole"}


def test_a_replay_of_the_first_leagues_is_still_read() -> None:
    path = storage.replay_path(987001)
    storage.save_episode_files(987001, replay.to_bytes({"steps": []}), b"")
    assert storage.read_replay_json(Episode(pk=987001)) == b'{"steps":[]}'
    path.unlink()
    storage.write_atomically(path.with_suffix(".json.gz"), gzip.compress(b'{"name":"old"}'))
    assert storage.read_replay_json(Episode(pk=987001)) == b'{"name":"old"}'


def test_a_replay_that_is_not_kept_is_not_found() -> None:
    with pytest.raises(NotFound):
        storage.read_replay_json(Episode(pk=987654))

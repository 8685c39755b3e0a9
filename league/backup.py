"""One archive that holds a league of one machine: database, uploads, replays, logs, checkpoints,
package sets, secrets.

The queue is not in it: what was with a worker is sent again from the rows.
"""

import io
import json
import os
import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath

from django.conf import settings
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.utils import timezone

from league.errors import Conflict, LeagueError

FORMAT = 1
MANIFEST, DATABASE = "manifest.json", "league.sqlite3"
FOLDERS = ("uploads", "episodes", "checkpoints")
SECRETS = ("secret-key", "admin-password", "signing.key")
PACKAGES = "packages"  # of this folder the lists; what is installed after them is made again
CONTENT = (DATABASE, *FOLDERS)
# Left behind by a league that is replaced: parts of its database, and its queue.
ASIDE = (*CONTENT, *SECRETS, f"{DATABASE}-wal", f"{DATABASE}-shm", "redis")


@dataclass(frozen=True)
class Report:
    created: datetime
    files: int
    size_bytes: int


def create(target: Path) -> Report:
    """Writes the archive while the league runs; an earlier file of that name gives way at the end.

    The database goes first: whatever file a row of it names was written before the row.
    """
    _require_sqlite("pg_dump")
    if not (Path(settings.DATA_DIR) / DATABASE).exists():
        raise LeagueError(f"There is no league in {settings.DATA_DIR} yet.")
    draft = target.with_name(f".{target.name}.part")
    created = timezone.now()
    try:
        with tempfile.TemporaryDirectory(dir=settings.DATA_DIR) as folder:
            copy = _copy_database(Path(folder) / DATABASE)
            files = _write(draft, copy, created)
        os.replace(draft, target)
    except OSError as error:
        raise LeagueError(f"{target} cannot be written: {error.strerror}.") from None
    finally:
        draft.unlink(missing_ok=True)
    return Report(created, files, target.stat().st_size)


def restore(source: Path, *, force: bool = False) -> Report:
    """Puts the archived league in place of DATA_DIR's content. The caller holds the folder's lock.

    With `force`, what was there is kept aside in a folder `replaced-TIME`.
    """
    _require_sqlite("pg_restore")
    data_dir = Path(settings.DATA_DIR)
    is_empty = not any((data_dir / name).exists() for name in CONTENT)
    if not is_empty and not force:
        raise Conflict(f"{data_dir} holds a league already: --force puts it aside.", "not_empty")
    with tempfile.TemporaryDirectory(dir=data_dir) as folder:
        report = _unpack(source, Path(folder))
        _check_database(Path(folder) / DATABASE)
        if not is_empty:
            _put_aside(data_dir)
        _put_in_place(Path(folder), data_dir)
    return report


def _require_sqlite(tool: str) -> None:
    if connection.vendor != "sqlite":
        raise LeagueError(
            f"DATABASE_URL names a {connection.display_name} database: use {tool} for it, and "
            "copy uploads, episodes, checkpoints, packages/*.toml and signing.key of DATA_DIR "
            "after it."
        )
    if Path(connection.settings_dict["NAME"]) != Path(settings.DATA_DIR) / DATABASE:
        raise LeagueError(f"DATABASE_URL names another file than {DATABASE} in DATA_DIR: copy it.")


def _copy_database(target: Path) -> Path:
    """A consistent copy, however many processes write meanwhile."""
    source = (Path(settings.DATA_DIR) / DATABASE).as_uri()
    with (
        closing(sqlite3.connect(f"{source}?mode=ro", uri=True)) as origin,
        closing(sqlite3.connect(target)) as copy,
    ):
        origin.backup(copy)
    return target


def _write(target: Path, database: Path, created: datetime) -> int:
    manifest = {"format": FORMAT, "created": created.isoformat()}
    count = 0
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        with tarfile.open(fileobj=file, mode="w:gz", compresslevel=6) as archive:
            _add_bytes(archive, MANIFEST, json.dumps(manifest).encode())
            archive.add(database, DATABASE)
            for path, name in _files(Path(settings.DATA_DIR)):
                try:
                    archive.add(path, name, recursive=False)
                except FileNotFoundError:  # tidied away since it was listed
                    continue
                count += 1
        file.flush()
        os.fsync(file.fileno())
    return count


def _add_bytes(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))


def _files(data_dir: Path) -> Iterator[tuple[Path, str]]:
    for name in SECRETS:
        if (data_dir / name).is_file():
            yield data_dir / name, name
    for folder in FOLDERS:
        for path in sorted((data_dir / folder).rglob("*")):
            if path.is_file() and not path.name.startswith("."):
                yield path, path.relative_to(data_dir).as_posix()
    for path in _package_lists(data_dir):
        yield path, f"{PACKAGES}/{path.name}"


def _package_lists(data_dir: Path) -> list[Path]:
    return sorted(path for path in (data_dir / PACKAGES).glob("*.toml") if path.is_file())


def _unpack(source: Path, target: Path) -> Report:
    try:
        with tarfile.open(source, mode="r:gz") as archive:
            created = _read_manifest(archive)
            members = [member for member in archive if member.name != MANIFEST]
            for member in members:
                _unpack_member(archive, member, target)
    except (tarfile.TarError, OSError, EOFError, ValueError, KeyError) as error:
        raise LeagueError(f"{source} is not a backup of a league: {error}.") from None
    return Report(created, len(members) - 1, source.stat().st_size)


def _read_manifest(archive: tarfile.TarFile) -> datetime:
    member = archive.next()
    file = archive.extractfile(member) if member and member.name == MANIFEST else None
    if file is None:
        raise ValueError("it does not begin with a manifest")
    manifest = json.load(file)
    if manifest["format"] != FORMAT:
        raise ValueError(f"its format is {manifest['format']}, this release reads {FORMAT}")
    return datetime.fromisoformat(manifest["created"])


def _unpack_member(archive: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    parts = PurePosixPath(member.name).parts
    file = archive.extractfile(member) if member.isfile() else None
    if file is None or ".." in parts or parts[0] not in (*CONTENT, *SECRETS, PACKAGES):
        raise ValueError(f"it holds {member.name!r}")
    path = target.joinpath(*parts)
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "wb") as copy:
        shutil.copyfileobj(file, copy)
    path.chmod(0o600 if parts[0] in SECRETS else 0o644)


def _check_database(path: Path) -> None:
    """Whole, and not from a newer release than this one."""
    try:
        with closing(sqlite3.connect(path)) as database:
            answer = database.execute("PRAGMA quick_check").fetchone()[0]
            rows = database.execute("SELECT app, name FROM django_migrations").fetchall()
    except sqlite3.DatabaseError as error:
        raise LeagueError(f"The database in the backup cannot be read: {error}.") from None
    if answer != "ok":
        raise LeagueError(f"The database in the backup is damaged: {answer}.")
    known = MigrationLoader(None).disk_migrations or {}
    if newer := sorted(f"{app}.{name}" for app, name in rows if (app, name) not in known):
        raise LeagueError(f"The backup is from a newer release (it has {newer[0]}): upgrade first.")


def _put_aside(data_dir: Path) -> None:
    folder = data_dir / f"replaced-{timezone.now():%Y%m%d-%H%M%S}"
    folder.mkdir(mode=0o700)
    for name in ASIDE:
        if (data_dir / name).exists():
            os.replace(data_dir / name, folder / name)
    for path in _package_lists(data_dir):
        (folder / PACKAGES).mkdir(exist_ok=True)
        os.replace(path, folder / PACKAGES / path.name)


def _put_in_place(unpacked: Path, data_dir: Path) -> None:
    for path in _package_lists(unpacked):
        (data_dir / PACKAGES).mkdir(exist_ok=True)
        os.replace(path, data_dir / PACKAGES / path.name)
    for path in unpacked.iterdir():
        if path.name != PACKAGES:
            os.replace(path, data_dir / path.name)

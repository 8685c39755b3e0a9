"""`manage.py backup` and `restore`, as an organiser types them."""

import io
import json
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import tarfile
from contextlib import closing
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from league.run import preflight

PROJECT = Path(__file__).parents[2]
BUILD = """
import django; django.setup()
from django.core.management import call_command
from django.conf import settings
from league import demo, storage
from league.run import steps
call_command("migrate", verbosity=0)
demo.seed()
steps.make_signing_key(settings.SIGNING_KEY_PATH)
sets = settings.DATA_DIR / "packages"
(sets / "small-0123" / "bin").mkdir(parents=True)
(sets / "small-0123" / "bin" / "python").touch()
(sets / "small.toml").write_text('requirements = ["six==1.17.0"]')
storage.save_upload(b"def act(observation): return 0")
storage.save_episode_files(7, b"replay", b"logs")
"""


def run(data_dir: Path, *words: str) -> tuple[int, str]:
    environ = os.environ | {"DATA_DIR": str(data_dir), "DJANGO_SETTINGS_MODULE": "league.settings"}
    result = subprocess.run(
        [sys.executable, *words], cwd=PROJECT, env=environ, capture_output=True, text=True
    )
    return result.returncode, (result.stdout + result.stderr).strip()


def manage(data_dir: Path, *words: str) -> tuple[int, str]:
    return run(data_dir, "manage.py", *words)


def files(data_dir: Path) -> dict[str, bytes]:
    found = (path for path in data_dir.rglob("*") if path.is_file())
    kept = ("uploads", "episodes", "secret-key", "admin-password", "signing.key", "packages/small.")
    names = ((path.relative_to(data_dir).as_posix(), path) for path in found)
    return {name: path.read_bytes() for name, path in names if name.startswith(kept)}


def users(data_dir: Path) -> list[tuple]:
    with closing(sqlite3.connect(data_dir / "league.sqlite3")) as database:
        return database.execute("SELECT username, password FROM auth_user").fetchall()


@pytest.fixture
def restore_error(settings, tmp_path, monkeypatch):
    """What the command says when it refuses; in this process, since each new one takes a second."""
    settings.DATA_DIR = tmp_path / "new"
    database = tmp_path / "new" / "league.sqlite3"
    monkeypatch.setitem(connection.settings_dict, "NAME", str(database))

    def restore_error(archive: Path) -> str:
        with pytest.raises(CommandError) as caught:
            call_command("restore", str(archive))
        assert not database.exists()
        assert not list((tmp_path / "new").glob("tmp*"))
        return str(caught.value)

    return restore_error


@pytest.fixture(scope="module")
def league(tmp_path_factory):
    """A data folder with a seeded database, an upload, a replay and its log; and a backup of it."""
    data_dir = tmp_path_factory.mktemp("league") / "var"
    assert run(data_dir, "-c", BUILD) == (0, "")
    code, said = manage(data_dir, "backup", str(data_dir.parent / "backup.tar.gz"))
    assert code == 0, said
    return data_dir


@pytest.fixture
def archive(league):
    return league.parent / "backup.tar.gz"


def test_backup_and_restore_give_the_same_league(league, archive, tmp_path):
    code, said = manage(tmp_path / "new", "restore", str(archive))
    assert code == 0, said
    assert said.startswith("Restored the league of 20")
    assert files(tmp_path / "new") == files(league)
    assert len(files(league)) == 7
    assert users(tmp_path / "new") == users(league)


def test_backup_is_for_its_owner_only(archive):
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600


def test_backup_holds_what_was_written_before_it_and_nothing_half(league, tmp_path):
    """A writer that has not committed does not disturb the copy, nor is it in it."""
    with closing(sqlite3.connect(league / "league.sqlite3")) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("UPDATE auth_user SET username = 'half'")
        # The backup's own audit row waits for the writer, so only the copy is made here.
        code, _ = run(
            league,
            "-c",
            "import django; django.setup(); from pathlib import Path; from league import backup; "
            f"backup.create(Path({str(tmp_path / 'b.tar.gz')!r}))",
        )
        writer.rollback()
    assert code == 0
    assert manage(tmp_path / "new", "restore", str(tmp_path / "b.tar.gz"))[0] == 0
    assert users(tmp_path / "new") == users(league)


def test_restore_leaves_a_league_that_is_there_alone(league, archive):
    before = files(league), users(league)
    code, said = manage(league, "restore", str(archive))
    assert code == 1
    assert "holds a league already: --force puts it aside." in said
    assert (files(league), users(league)) == before


def test_forced_restore_puts_the_old_league_aside(league, archive, tmp_path):
    other = shutil.copytree(league, tmp_path / "other")
    with closing(sqlite3.connect(other / "league.sqlite3")) as database:
        database.execute("UPDATE auth_user SET username = 'somebody else'")
        database.commit()
    (other / "signing.key").write_text("another")
    (other / "packages" / "own.toml").touch()
    old = users(other)
    assert manage(other, "restore", "--force", str(archive))[0] == 0
    (aside,) = other.glob("replaced-*")
    assert users(aside) == old
    assert users(other) == users(league) != old
    assert files(other) == files(league)
    assert stat.S_IMODE((other / "signing.key").stat().st_mode) == 0o600
    assert (aside / "signing.key").read_text() == "another"
    assert {path.name for path in (aside / "packages").iterdir()} == {"small.toml", "own.toml"}
    assert {path.name for path in (other / "packages").iterdir()} == {"small.toml", "small-0123"}


def test_restore_refuses_while_the_league_runs(archive, tmp_path):
    preflight.prepare_data_dir(tmp_path)
    lock = preflight.lock(tmp_path)
    try:
        code, said = manage(tmp_path, "restore", "--force", str(archive))
    finally:
        os.close(lock)
    assert code == 1
    assert "already" in said
    assert "stop it first" in said


def forge(path: Path, members: dict[str, bytes], manifest: dict | None = None) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        first = {"manifest.json": json.dumps(manifest or {"format": 1, "created": "2026-01-01"})}
        for name, content in (first | members).items():
            data = content.encode() if isinstance(content, str) else content
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


@pytest.mark.parametrize(
    ("members", "manifest", "complaint"),
    [
        ({"uploads/../../escape": b"x"}, None, "uploads/../../escape"),
        ({"/etc/escape": b"x"}, None, "/etc/escape"),
        ({"run/supervisord.conf": b"x"}, None, "run/supervisord.conf"),
        ({}, {"format": 99}, "its format is 99"),
        ({"league.sqlite3": b"no database" * 99}, None, "cannot be read"),
    ],
)
def test_archive_that_is_no_backup_is_refused(
    tmp_path, restore_error, members, manifest, complaint
):
    archive = forge(tmp_path / "forged.tar.gz", members, manifest)
    assert complaint in restore_error(archive)
    assert not (tmp_path / "escape").exists()


def test_backup_from_a_newer_release_is_refused(archive, tmp_path, restore_error):
    with tarfile.open(archive) as opened:
        database = tmp_path / "league.sqlite3"
        database.write_bytes(opened.extractfile("league.sqlite3").read())
    with closing(sqlite3.connect(database)) as newer:
        newer.execute("INSERT INTO django_migrations VALUES (999, 'league', '0999_future', '')")
        newer.commit()
    forged = forge(tmp_path / "newer.tar.gz", {"league.sqlite3": database.read_bytes()})
    complaint = "from a newer release (it has league.0999_future): upgrade first"
    assert complaint in restore_error(forged)


@pytest.mark.parametrize("content", [b"", b"not an archive", b"\x1f\x8b broken"])
def test_file_that_is_no_archive_is_refused(tmp_path, restore_error, content):
    (tmp_path / "b.tar.gz").write_bytes(content)
    assert "is not a backup of a league" in restore_error(tmp_path / "b.tar.gz")


def test_missing_file_is_refused(tmp_path, restore_error):
    assert "No such file" in restore_error(tmp_path / "none.tar.gz")


def test_postgres_is_left_to_its_own_tools(tmp_path, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgres://me@db.example.org/league")
    code, said = manage(tmp_path, "backup", str(tmp_path / "b.tar.gz"))
    assert code == 1
    assert "use pg_dump" in said


def test_backup_of_no_league_says_so(tmp_path):
    code, said = manage(tmp_path / "new", "backup", str(tmp_path / "b.tar.gz"))
    assert code == 1
    assert "There is no league" in said
    assert not (tmp_path / "b.tar.gz").exists()

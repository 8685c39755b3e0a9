"""An upload (.py, .zip or .tar.gz) becomes a folder with main.py, whole or not at all."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from evaluation import archive as archives
from evaluation.archive import MAX_BYTES, BundleError

__all__ = ["BundleError", "unpack"]

KINDS = (".py", ".zip", ".tar.gz")
UNPACK_S = 60.0
PICTURES = {
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"GIF8": "a GIF picture",
    b"RIFF": "a picture or sound",
    b"%PDF": "a PDF document",
    b"PK\x03\x04": "a zip archive",
    b"\x1f\x8b": "a gzip archive",
    b"\x7fELF": "a compiled program",
}


def upload_path(data_dir: Path, sha256: str) -> Path:
    """Where the league leaves an upload and its workers find it."""
    return data_dir / "uploads" / sha256[:2] / sha256


def unpack(archive: Path, filename: str, destination: Path) -> Path:
    """The path of main.py in `destination`, which appears only when everything is in it.

    filename: what the upload was called; it decides the kind. An archive may hold main.py at its
    top or in its only folder. Raises BundleError and leaves nothing behind; OSError is ours.
    """
    kind = next((kind for kind in KINDS if filename.lower().endswith(kind)), None)
    if kind is None:
        raise BundleError("The file's name must end in .py, .zip or .tar.gz.")
    if archive.stat().st_size == 0:
        raise BundleError("The file is empty.", "empty_upload")
    partial = Path(tempfile.mkdtemp(prefix=".unpacking-", dir=destination.parent))
    try:
        if kind == ".py":
            _copy_source(archive, partial)
        else:
            _extract_apart(archive, kind, partial)
        root = _root_of(partial)
        _check_source(root / "main.py")
        root.chmod(0o755)
        _publish(root, destination)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return destination / "main.py"


def _copy_source(source: Path, folder: Path) -> None:
    if source.stat().st_size > MAX_BYTES:
        raise BundleError(f"The file is larger than {MAX_BYTES // 1_000_000} MB.")
    shutil.copyfile(source, folder / "main.py")
    (folder / "main.py").chmod(0o644)


def _extract_apart(archive: Path, kind: str, folder: Path) -> None:
    """In a process of its own, so that a bomb meets its limits there."""
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-S", archives.__file__, archive, kind, folder],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env={"LANG": "C.UTF-8"},
            timeout=UNPACK_S,
        )
    except subprocess.TimeoutExpired as error:
        raise BundleError("The archive takes too long to unpack.") from error
    if done.returncode < 0:
        raise BundleError("The archive takes too much time to unpack.")
    if done.returncode > 0:
        raise OSError(f"cannot unpack: {done.stderr.decode(errors='replace')[-500:]}")
    if done.stdout:
        raise BundleError(*json.loads(done.stdout))


def _root_of(folder: Path) -> Path:
    """Where main.py lies: at the top, or in the only folder, as people often pack."""
    if (folder / "main.py").is_file():
        return folder
    inner = list(folder.iterdir())
    if len(inner) == 1 and (inner[0] / "main.py").is_file():
        return inner[0]
    raise BundleError("The archive has no main.py at its top.")


def _check_source(main: Path) -> None:
    """Text that Python could read; its syntax is checked in the box."""
    content = main.read_bytes()
    for magic, what in PICTURES.items():
        if content.startswith(magic):
            raise BundleError(f"The source is {what}, not Python.")
    if b"\0" in content:
        raise BundleError("The source contains NUL bytes, so it is not text.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        reason = f"The source is not UTF-8 text (byte {error.start} cannot be read)."
        raise BundleError(reason) from error
    if not text.strip():
        raise BundleError("The source is empty.", "empty_upload")


def _publish(folder: Path, destination: Path) -> None:
    """Renames; where another worker was faster with the same upload, its folder stands."""
    try:
        os.rename(folder, destination)
    except OSError:
        if not (destination / "main.py").is_file():
            raise

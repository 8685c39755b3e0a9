"""An upload (.py, .zip or .tar.gz) becomes a folder with main.py, whole or not at all."""

import contextlib
import functools
import logging
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from evaluation.archive import CHUNK, MAX_BYTES, MAX_STREAM, UPLOAD, BundleError, Names, Refused
from evaluation.sandbox import keeper, wire
from evaluation.sandbox.box import Box, Flood, Gone, Late
from evaluation.sandbox.keeper import Wanted
from evaluation.sandbox.limits import KIB, MIB, Limits

__all__ = ["BundleError", "unpack"]

logger = logging.getLogger(__name__)

KINDS = (".py", ".zip", ".tar.gz")
UNPACK_S = 60.0
STALE_S = 3600.0
PARTIAL = ".unpacking-"
MAX_HEADER = 16 * KIB
LIMITS = Limits(memory_bytes=512 * MIB, cpu_s=20, file_bytes=64 * KIB, files=16, threads=16)
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


def unpack(archive: Path, filename: str, destination: Path, wanted: Wanted | None = None) -> Path:
    """The path of main.py in `destination`, which appears only when everything is in it.

    filename: what the upload was called; it decides the kind. An archive may hold main.py at its
    top or in its only folder; it is read in a box. wanted: of which kind, if not of its own.
    Raises BundleError and leaves nothing behind; BoxFailed and OSError are ours.
    """
    kind = next((kind for kind in KINDS if filename.lower().endswith(kind)), None)
    if kind is None:
        raise BundleError("The file's name must end in .py, .zip or .tar.gz.")
    if archive.stat().st_size == 0:
        raise BundleError("The file is empty.", "empty_upload")
    _sweep(destination.parent)
    partial = Path(tempfile.mkdtemp(prefix=PARTIAL, dir=destination.parent))
    try:
        if kind == ".py":
            _copy_source(archive, partial)
        else:
            _extract_in_box(archive, kind, partial, wanted or _own_boxes())
        root = _root_of(partial)
        _check_source(root / "main.py")
        root.chmod(0o755)
        _publish(root, destination)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return destination / "main.py"


def _sweep(folder: Path) -> None:
    """What workers have left that were killed while they unpacked."""
    for partial in folder.glob(f"{PARTIAL}*"):
        with contextlib.suppress(OSError):
            if time.time() - partial.lstat().st_mtime > STALE_S:
                shutil.rmtree(partial)


def _own_boxes() -> Wanted:
    """Any interpreter can read an archive, and so can one that is kept apart less strictly."""
    return Wanted(Path(sys.executable), (), preload=(), minimum="C")


def _copy_source(source: Path, folder: Path) -> None:
    if source.stat().st_size > MAX_BYTES:
        raise BundleError(f"The file is larger than {MAX_BYTES // 1_000_000} MB.")
    shutil.copyfile(source, folder / "main.py")
    (folder / "main.py").chmod(0o644)


def _extract_in_box(archive: Path, kind: str, folder: Path, wanted: Wanted) -> None:
    """What breaks the box breaks it by what is in the archive. Raises Refused, BoxFailed."""
    if archive.stat().st_size > MAX_STREAM:
        raise Refused("size")
    with contextlib.closing(Box(keeper.lend(wanted), LIMITS)) as box:
        box.order([(UPLOAD, archive.read_bytes())])
        box.send({"seq": 1, "unpack": kind})
        box.ready()
        read = functools.partial(box.take, start=box.read_clock(), budget_s=UNPACK_S)
        try:
            Receiver(read, folder).run()
        except Late as error:
            raise Refused("time") from error
        except (Gone, Flood, wire.WireError) as error:
            logger.warning("An archive broke its box: %r, %r", error, box.take_output())
            raise _broken(error) from error


def _broken(error: Exception) -> Refused:
    """The kernel ends with SIGKILL who leaves it no memory; nobody else does it here."""
    if isinstance(error, Gone) and error.status == -signal.SIGXCPU:
        return Refused("time")
    if isinstance(error, Gone) and error.status == -signal.SIGKILL:
        return Refused("memory")
    return Refused("breaks")


class Receiver:
    """Writes what a box sends (archive.send_files) into a fresh folder, and believes none of it.

    read: up to so many bytes, one at least, none at the end.
    """

    def __init__(self, read: Callable[[int], bytes], folder: Path) -> None:
        self.read, self.folder = read, folder
        self.names = Names()
        self.left = MAX_BYTES

    def run(self) -> None:
        """Raises Refused as the box says or as these checks say, WireError; what `read` raises."""
        with contextlib.ExitStack() as opened:
            file: IO[bytes] | None = None
            while "done" not in (header := self._header()):
                if "rule" in header:
                    raise _refusal(header)
                if "name" in header:
                    opened.close()
                    file = opened.enter_context(self._create(header["name"]))
                self._copy(header.get("size"), file)
        if not self.names.files:
            raise Refused("empty")

    def _header(self) -> dict[str, Any]:
        length = wire.body_length(self._exactly(wire.HEADER_BYTES)) or 0
        if length > MAX_HEADER:
            raise wire.WireError("A header is too long.")
        header = wire.loads(self._exactly(length))
        if not isinstance(header, dict):
            raise wire.WireError("A header is no object.")
        return header

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            data += self._some(size - len(data))
        return data

    def _some(self, size: int) -> bytes:
        data = self.read(size)
        if not data:
            raise wire.WireError("The stream has no end.")
        return data

    def _create(self, name: Any) -> IO[bytes]:
        parts = self.names.add(name, is_folder=False) if isinstance(name, str) else []
        if not parts:
            raise wire.WireError("A file has no name.")
        _make_folders(self.folder, parts[:-1])
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        file = open(os.open(self.folder.joinpath(*parts), flags, 0o644), "wb")  # noqa: SIM115
        os.fchmod(file.fileno(), 0o644)
        return file

    def _copy(self, size: Any, file: IO[bytes] | None) -> None:
        if file is None or type(size) is not int or not 0 <= size <= CHUNK:
            raise wire.WireError("A part has no size or belongs to no file.")
        self.left -= size
        if self.left < 0:
            raise Refused("bytes")
        while size:
            data = self._some(size)
            file.write(data)
            size -= len(data)


def _refusal(header: dict[str, Any]) -> Refused:
    """Only the words about what are a stranger's."""
    try:
        return Refused(str(header["rule"]), str(header["about"]))
    except KeyError as error:
        raise wire.WireError("The refusal names no rule.") from error


def _make_folders(above: Path, parts: list[str]) -> None:
    for part in parts:
        above = above / part
        above.mkdir(exist_ok=True)
        above.chmod(0o755)


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

"""Reads archives that strangers packed. As a script it first bounds its own memory and time.

Standard library only. What an archive claims is not believed: bytes are counted when written.
"""

import errno
import gzip
import json
import os
import re
import resource
import stat
import struct
import sys
import tarfile
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

MAX_MEMBERS = 500
MAX_BYTES = 50_000_000
MAX_NAME = 400
MAX_DEPTH = 20
# Headers and padding of a tar archive, on top of the files themselves.
MAX_STREAM = MAX_BYTES + MAX_MEMBERS * 8 * 1024
MEMORY_BYTES = 512 * 1024 * 1024
CPU_S = 20
CHUNK = 1 << 16
JUNK = ("__MACOSX/", ".DS_Store")
DAMAGED = (
    zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, NotImplementedError, ValueError,
    OverflowError, RecursionError, gzip.BadGzipFile, RuntimeError, LookupError, struct.error,
)  # fmt: skip

Member = tuple[str, bool, Callable[[], IO[bytes]]]


class BundleError(Exception):
    """An upload that is refused: one sentence that names the entry and the rule."""

    def __init__(self, message: str, code: str = "bad_upload") -> None:
        super().__init__(message)
        self.code = code


class Bounded:
    """A decompressed stream that refuses to give more than a bundle may hold."""

    def __init__(self, stream: gzip.GzipFile) -> None:
        self.stream = stream
        self.left = MAX_STREAM

    def read(self, size: int) -> bytes:
        data = self.stream.read(size)
        self.left -= len(data)
        if self.left < 0:
            raise _too_large()
        return data


class Writer:
    """Writes members into a fresh folder and counts them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.members = 0
        self.left = MAX_BYTES
        self.files: set[str] = set()
        self.folders: set[str] = set()

    def add(self, member: Member) -> None:
        name, is_folder, open_content = member
        self.members += 1
        if self.members > MAX_MEMBERS:
            raise BundleError(f"The archive has more than {MAX_MEMBERS} entries.")
        parts = checked_parts(name)
        if not parts or name.startswith(JUNK) or parts[-1] in JUNK:
            return
        self._claim(name, parts, is_folder)
        inner = self.folder.joinpath(*parts)
        _make_folders(self.folder, parts if is_folder else parts[:-1])
        if not is_folder:
            with open_content() as content:
                self._write(inner, content)

    def _claim(self, name: str, parts: list[str], is_folder: bool) -> None:
        """No name twice, in whatever case, and none both a file and a folder."""
        keys = [_folded("/".join(parts[: n + 1])) for n in range(len(parts))]
        above = keys if is_folder else keys[:-1]
        if self.files.intersection(above) or (not is_folder and keys[-1] in self.folders):
            raise _refused(name, "is a file and a folder at once")
        if not is_folder:
            if keys[-1] in self.files:
                raise _refused(name, "appears twice")
            self.files.add(keys[-1])
        self.folders.update(above)

    def _write(self, path: Path, content: IO[bytes]) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with open(os.open(path, flags, 0o644), "wb") as file:
            os.fchmod(file.fileno(), 0o644)
            while chunk := content.read(CHUNK):
                self.left -= len(chunk)
                if self.left < 0:
                    raise _too_large()
                file.write(chunk)


def extract(archive: Path, kind: str, folder: Path) -> None:
    """Writes the regular files of an archive (".zip" or ".tar.gz") into an empty folder."""
    writer = Writer(folder)
    try:
        for member in _READERS[kind](archive):
            writer.add(member)
    except DAMAGED as error:
        raise _damaged(kind) from error
    except OSError as error:
        if error.errno != errno.EINVAL:  # what a seek to a senseless place gives
            raise
        raise _damaged(kind) from error
    if not writer.files:
        raise BundleError("The archive is empty.", "empty_upload")


def checked_parts(name: str) -> list[str]:
    """The parts of a name that may be written; refuses all that could lead elsewhere."""
    try:
        name.encode()
    except UnicodeEncodeError:
        raise _refused(name, "is not UTF-8") from None
    if any(unicodedata.category(character) == "Cc" for character in name):
        raise _refused(name, "contains control characters")
    if "\\" in name:
        raise _refused(name, "contains a backslash")
    if name.startswith("/") or re.match(r"[A-Za-z]:", name):
        raise _refused(name, "is an absolute path")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise _refused(name, "leads out of the bundle")
    if len(name) > MAX_NAME or len(parts) > MAX_DEPTH or _longest(parts) > 255:
        raise _refused(name, "has a name that is too long")
    return parts


def _longest(parts: list[str]) -> int:
    return max((len(part.encode()) for part in parts), default=0)


def _zip_members(archive: Path) -> Iterator[Member]:
    with zipfile.ZipFile(archive) as file:
        for info in file.infolist():
            mode = info.external_attr >> 16
            name = info.orig_filename
            if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise _refused(name, "is not a regular file")
            if info.flag_bits & 0x41:
                raise _refused(name, "is encrypted")
            if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise _refused(name, "is packed in a way other than deflate")
            yield name, name.endswith("/"), lambda info=info: file.open(info)  # type: ignore[misc]


def _tar_members(archive: Path) -> Iterator[Member]:
    with gzip.open(archive) as stream:
        bounded: Any = Bounded(stream)
        with tarfile.open(fileobj=bounded, mode="r|") as file:
            for member in file:
                is_plain = member.type in (tarfile.REGTYPE, tarfile.AREGTYPE)
                if member.issparse() or not (is_plain or member.isdir()):
                    raise _refused(member.name, "is not a regular file")
                yield member.name, member.isdir(), lambda member=member: file.extractfile(member)  # type: ignore[misc]


_READERS: dict[str, Callable[[Path], Iterator[Member]]] = {
    ".zip": _zip_members,
    ".tar.gz": _tar_members,
}


def _make_folders(above: Path, parts: list[str]) -> None:
    for part in parts:
        above = above / part
        above.mkdir(exist_ok=True)
        above.chmod(0o755)


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _refused(name: str, rule: str) -> BundleError:
    shown = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in name[:80])
    return BundleError(f'The entry "{shown}" {rule}.')


def _damaged(kind: str) -> BundleError:
    return BundleError(f"The archive is damaged or no {kind} file.")


def _too_large() -> BundleError:
    return BundleError(f"The archive unpacks to more than {MAX_BYTES // 1_000_000} MB.")


def _bound_this_process() -> None:
    for kind, limit in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, CPU_S),
        (resource.RLIMIT_FSIZE, MAX_BYTES + CHUNK),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (limit, limit))


def main() -> None:
    archive, kind, folder = sys.argv[1:]
    _bound_this_process()
    try:
        extract(Path(archive), kind, Path(folder))
    except BundleError as error:
        print(json.dumps([str(error), error.code]))
    except MemoryError:
        print(json.dumps(["The archive takes too much memory to unpack."]))


if __name__ == "__main__":
    main()

"""Reads archives that strangers packed, and knows the rules that their entries must keep.

Standard library only: the reading is done in a box, the rules are kept on both sides of it.
"""

import errno
import gzip
import re
import stat
import struct
import tarfile
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import IO, Any

MAX_MEMBERS = 500
MAX_BYTES = 50_000_000
MAX_NAME = 400
MAX_DEPTH = 20
MAX_SHOWN = 80
# Headers and padding of a tar archive, on top of the files themselves.
MAX_STREAM = MAX_BYTES + MAX_MEMBERS * 8 * 1024
CHUNK = 1 << 16
UPLOAD = "upload"  # its name in the box
JUNK = ("__MACOSX/", ".DS_Store")
DAMAGED = (
    zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, NotImplementedError, ValueError,
    OverflowError, RecursionError, gzip.BadGzipFile, RuntimeError, LookupError, struct.error,
)  # fmt: skip
RULES = {
    "not_utf8": 'The entry "{}" is not UTF-8.',
    "control": 'The entry "{}" contains control characters.',
    "backslash": 'The entry "{}" contains a backslash.',
    "absolute": 'The entry "{}" is an absolute path.',
    "outside": 'The entry "{}" leads out of the bundle.',
    "long_name": 'The entry "{}" has a name that is too long.',
    "twice": 'The entry "{}" appears twice.',
    "file_and_folder": 'The entry "{}" is a file and a folder at once.',
    "not_regular": 'The entry "{}" is not a regular file.',
    "encrypted": 'The entry "{}" is encrypted.',
    "compression": 'The entry "{}" is packed in a way other than deflate.',
    "members": f"The archive has more than {MAX_MEMBERS} entries.",
    "bytes": f"The archive unpacks to more than {MAX_BYTES // 1_000_000} MB.",
    "size": f"The archive is larger than {MAX_STREAM // 1_000_000} MB.",
    "empty": "The archive is empty.",
    "damaged": "The archive is damaged or no {} file.",
    "breaks": "The archive breaks what reads it.",
    "memory": "The archive takes too much memory to unpack.",
    "time": "The archive takes too much time to unpack.",
}

Member = tuple[str, bool, Callable[[], IO[bytes]]]
Send = Callable[[dict[str, Any], bytes], None]


class BundleError(Exception):
    """An upload that is refused: one sentence that names the entry and the rule."""

    def __init__(self, message: str, code: str = "bad_upload") -> None:
        super().__init__(message)
        self.code = code


class Refused(BundleError):
    """rule: one of RULES. about: the entry, or the kind of archive, that its sentence names."""

    def __init__(self, rule: str, about: str = "") -> None:
        self.rule, self.about = rule, _shown(about)
        code = "empty_upload" if rule == "empty" else "bad_upload"
        super().__init__(RULES[rule].format(self.about), code)


class Bounded:
    """A decompressed stream that refuses to give more than a bundle may hold."""

    def __init__(self, stream: gzip.GzipFile) -> None:
        self.stream = stream
        self.left = MAX_STREAM

    def read(self, size: int) -> bytes:
        data = self.stream.read(size)
        self.left -= len(data)
        if self.left < 0:
            raise Refused("bytes")
        return data


class Names:
    """The entries so far: not too many, no name twice, and none both a file and a folder."""

    def __init__(self) -> None:
        self.count = 0
        self.files: set[str] = set()
        self.folders: set[str] = set()

    def add(self, name: str, is_folder: bool) -> list[str]:
        """The parts of its path; none where it is to be left out. Raises Refused."""
        self.count += 1
        if self.count > MAX_MEMBERS:
            raise Refused("members")
        parts = checked_parts(name)
        if not parts or name.startswith(JUNK) or parts[-1] in JUNK:
            return []
        self._claim(name, parts, is_folder)
        return parts

    def _claim(self, name: str, parts: list[str], is_folder: bool) -> None:
        """Names are compared as file systems may do it: whatever their case."""
        keys = [_folded("/".join(parts[: n + 1])) for n in range(len(parts))]
        above = keys if is_folder else keys[:-1]
        if self.files.intersection(above) or (not is_folder and keys[-1] in self.folders):
            raise Refused("file_and_folder", name)
        if not is_folder:
            if keys[-1] in self.files:
                raise Refused("twice", name)
            self.files.add(keys[-1])
        self.folders.update(above)


def send_files(archive: str, kind: str, send: Send) -> None:
    """Sends the regular files of an archive (".zip" or ".tar.gz") in parts of up to CHUNK bytes.

    A part is a header and bytes: {"name", "size"} begins a file, {"size"} goes on with it. The
    last header is {"done": true}, or {"rule", "about"} as in Refused.
    """
    end: dict[str, Any] = {"done": True}
    try:
        _send_members(_READERS[kind](archive), send)
    except Refused as refused:
        end = {"rule": refused.rule, "about": refused.about}
    except MemoryError:
        end = {"rule": "memory", "about": ""}
    except DAMAGED:
        end = {"rule": "damaged", "about": kind}
    except OSError as error:
        if error.errno != errno.EINVAL:  # what a seek to a senseless place gives
            raise
        end = {"rule": "damaged", "about": kind}
    send(end, b"")


def _send_members(members: Iterator[Member], send: Send) -> None:
    names = Names()
    for name, is_folder, open_content in members:
        parts = names.add(name, is_folder)
        if not parts or is_folder:
            continue
        with open_content() as content:
            header: dict[str, Any] = {"name": "/".join(parts)}
            while (chunk := content.read(CHUNK)) or header:
                send({**header, "size": len(chunk)}, chunk)
                header = {}


def checked_parts(name: str) -> list[str]:
    """The parts of a name that may be written; refuses all that could lead elsewhere."""
    try:
        name.encode()
    except UnicodeEncodeError:
        raise Refused("not_utf8", name) from None
    if any(unicodedata.category(character) == "Cc" for character in name):
        raise Refused("control", name)
    if "\\" in name:
        raise Refused("backslash", name)
    if name.startswith("/") or re.match(r"[A-Za-z]:", name):
        raise Refused("absolute", name)
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise Refused("outside", name)
    if len(name) > MAX_NAME or len(parts) > MAX_DEPTH or _longest(parts) > 255:
        raise Refused("long_name", name)
    return parts


def _longest(parts: list[str]) -> int:
    return max((len(part.encode()) for part in parts), default=0)


def _zip_members(archive: str) -> Iterator[Member]:
    with zipfile.ZipFile(archive) as file:
        for info in file.infolist():
            mode = info.external_attr >> 16
            name = info.orig_filename
            if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise Refused("not_regular", name)
            if info.flag_bits & 0x41:
                raise Refused("encrypted", name)
            if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise Refused("compression", name)
            yield name, name.endswith("/"), lambda info=info: file.open(info)  # type: ignore[misc]


class _WholeHeader(tarfile.TarInfo):
    """tarfile takes a damaged header for the end of the archive; what follows would be lost."""

    @classmethod
    def frombuf(cls, buf: Any, encoding: str, errors: str) -> "_WholeHeader":
        try:
            found = super().frombuf(buf, encoding, errors)
        except (tarfile.InvalidHeaderError, tarfile.TruncatedHeaderError) as error:  # type: ignore[attr-defined]
            raise tarfile.ReadError(str(error)) from error
        if found.size < 0:
            raise tarfile.ReadError("a negative size")
        return found


def _tar_members(archive: str) -> Iterator[Member]:
    with gzip.open(archive) as stream:
        bounded: Any = Bounded(stream)
        with tarfile.open(fileobj=bounded, mode="r|", bufsize=CHUNK, tarinfo=_WholeHeader) as file:
            for member in file:
                is_plain = member.type in (tarfile.REGTYPE, tarfile.AREGTYPE)
                if member.issparse() or not (is_plain or member.isdir()):
                    raise Refused("not_regular", member.name)
                yield member.name, member.isdir(), lambda member=member: file.extractfile(member)  # type: ignore[misc]


_READERS: dict[str, Callable[[str], Iterator[Member]]] = {
    ".zip": _zip_members,
    ".tar.gz": _tar_members,
}


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _shown(name: str) -> str:
    """Fit for people's eyes, wherever it will stand."""
    plain = (
        c if c.isprintable() and c not in '<>&"' else "\N{REPLACEMENT CHARACTER}" for c in name
    )
    return "".join(plain)[:MAX_SHOWN]

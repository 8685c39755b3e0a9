"""Zip and tar archives built by hand, so that any field of them can lie."""

import gzip
import io
import struct
import tarfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass

AGENT = b"def agent(observation):\n    return 1\n"
DEFLATE, STORED = 8, 0
REGULAR = 0o100644 << 16
BLOCK = 512
MEGABYTE = 1 << 20

Build = Callable[[], bytes]


@dataclass
class Entry:
    """One entry of a zip archive. None stands for what is true."""

    name: bytes | str
    content: bytes = AGENT
    method: int = DEFLATE
    flags: int = 0x800
    attributes: int = REGULAR
    extra: bytes = b""
    crc: int | None = None
    size: int | None = None  # unpacked, as the directory has it
    packed: int | None = None
    local_name: bytes | None = None
    local_size: int | None = None
    offset: int | None = None

    @property
    def raw_name(self) -> bytes:
        return self.name.encode() if isinstance(self.name, str) else self.name

    def data(self) -> bytes:
        if self.method == STORED:
            return self.content
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        return packer.compress(self.content) + packer.flush()

    def numbers(self, size: int | None) -> tuple[int, int, int]:
        """Checksum, packed and unpacked size."""
        crc = zlib.crc32(self.content) if self.crc is None else self.crc
        packed = len(self.data()) if self.packed is None else self.packed
        return crc, packed, len(self.content) if size is None else size

    def local(self) -> bytes:
        name = self.raw_name if self.local_name is None else self.local_name
        numbers = self.numbers(self.size if self.local_size is None else self.local_size)
        head = struct.pack("<4s5H3I2H", b"PK\3\4", 20, self.flags, self.method, 0, 33, *numbers,
                           len(name), len(self.extra))  # fmt: skip
        return head + name + self.extra + self.data()

    def central(self, offset: int) -> bytes:
        offset = offset if self.offset is None else self.offset
        head = struct.pack("<4s6H3I5H2I", b"PK\1\2", 0x314, 20, self.flags, self.method, 0, 33,
                           *self.numbers(self.size), len(self.raw_name), len(self.extra), 0, 0, 0,
                           self.attributes, offset)  # fmt: skip
        return head + self.raw_name + self.extra


def zip_of(*entries: Entry | str, count: int | None = None, comment: bytes = b"") -> bytes:
    """A zip archive; a name alone is an agent's source. count: of entries, as its end tells."""
    body, directory = b"", b""
    for entry in entries:
        entry = entry if isinstance(entry, Entry) else Entry(entry)
        directory += entry.central(len(body))
        body += entry.local() if entry.offset is None else b""
    count = len(entries) if count is None else count
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, count, count, len(directory), len(body),
                      len(comment))  # fmt: skip
    return body + directory + end + comment


def zip64_of(*names: str, count: int, offset: int | None = None) -> bytes:
    """Ends as large archives do: 64-bit numbers, which say how many entries there are and where."""
    body = directory = b""
    for name in names:
        directory += Entry(name).central(len(body))
        body += Entry(name).local()
    offset = len(body) if offset is None else offset
    record = struct.pack("<4sQ2H2I4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, len(directory),
                         offset)  # fmt: skip
    locator = struct.pack("<4sIQI", b"PK\6\7", 0, len(body) + len(directory), 1)
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 2**32 - 1, 2**32 - 1, 0)
    return body + directory + record + locator + end


def member(
    name: bytes | str = "main.py",
    content: bytes = AGENT,
    kind: bytes = b"0",
    *,
    link: bytes = b"",
    size: bytes | None = None,
    prefix: bytes = b"",
    checksum: bytes | None = None,
) -> bytes:
    """A member of a tar archive: header, content, padding. size, checksum: the raw fields."""
    raw = name.encode() if isinstance(name, str) else name
    size = b"%011o\0" % len(content) if size is None else size
    head = struct.pack("100s8s8s8s12s12s8sc100s6s2s32s32s8s8s155s12x", raw, b"0000644\0",
                       b"0000000\0", b"0000000\0", size, b"00000000000\0", b" " * 8, kind, link,
                       b"ustar\0", b"00", b"", b"", b"0000000\0", b"0000000\0", prefix)  # fmt: skip
    total = b"%06o\0 " % sum(head) if checksum is None else checksum
    return head[:148] + total + head[156:] + content + bytes(-len(content) % BLOCK)


def directory(name: str) -> bytes:
    return member(name, b"", tarfile.DIRTYPE)


def pax(kind: bytes = tarfile.XHDTYPE, **records: str | bytes) -> bytes:
    """A header of extended attributes for the next member, or for all (kind XGLTYPE)."""
    content = b""
    for key, value in records.items():
        value = value.encode() if isinstance(value, str) else value
        line = b" %s=%s\n" % (key.replace("_", ".").encode(), value)
        length = len(line)
        while length != len(str(length)) + len(line):
            length = len(str(length)) + len(line)
        content += str(length).encode() + line
    return member("pax", content, kind)


def long_name(name: str, kind: bytes = tarfile.GNUTYPE_LONGNAME) -> bytes:
    return member("././@LongLink", name.encode() + b"\0", kind)


def tar_of(*members: bytes, end: bytes = bytes(2 * BLOCK)) -> bytes:
    return gzip.compress(b"".join(members) + end, 1, mtime=0)


def entries_of(kind: str, *names: str) -> bytes:
    """An archive of either kind with an agent's source under each name."""
    if kind == "zip":
        return zip_of(*names)
    return tar_of(*(_member_of_any_length(name) for name in names))


def _member_of_any_length(name: str) -> bytes:
    return (long_name(name) if len(name.encode()) > 100 else b"") + member(name[:90])


def gzip_with_header(content: bytes) -> bytes:
    """With every optional field: extra, name, comment and checksum of the header."""
    flags = 0x02 | 0x04 | 0x08 | 0x10
    head = struct.pack("<4BI2B", 31, 139, 8, flags, 0, 0, 255)
    head += struct.pack("<H", 4) + b"xtra" + b"../../evil.py\0" + b"comment\0"
    head += struct.pack("<H", zlib.crc32(head) & 0xFFFF)
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    body = packer.compress(content) + packer.flush()
    return head + body + struct.pack("<2I", zlib.crc32(content), len(content))


def zeros(kind: str, size: int) -> bytes:
    """A bomb: an agent beside one file of zeros."""
    if kind == "zip":
        return zip_of("main.py", Entry("bomb", bytes(size)))
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb", compresslevel=1, mtime=0) as stream:
        stream.write(member() + member("bomb", b"", size=b"%011o\0" % size))
        for _ in range(size // (MEGABYTE)):
            stream.write(bytes(MEGABYTE))
        stream.write(bytes(size % (MEGABYTE) + BLOCK * 3 - size % BLOCK))
    return buffer.getvalue()

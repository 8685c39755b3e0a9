"""A zip of an output folder becomes that folder: only files of ours, bounded, under our names.

Runs in the child process of `examine` only.
"""

import stat
import zipfile
import zlib
from pathlib import Path
from typing import IO

from kaggle_bridge.inspecting.evidence import (
    CHECKPOINT,
    CHUNK_BYTES,
    MANIFEST,
    METRICS,
    MOST_BYTES,
    MOST_JSON_BYTES,
    MOST_METRICS_BYTES,
    RESULT,
    Bad,
)

MOST_MEMBERS = 1000
MOST_TOTAL_BYTES = 2 << 30
LIMITS = {MANIFEST: MOST_JSON_BYTES, RESULT: MOST_JSON_BYTES, METRICS: MOST_METRICS_BYTES}
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
IS_ENCRYPTED = 1
Members = dict[str, zipfile.ZipInfo]


def unzip(file: Path, into: Path) -> None:
    """Raises Bad. Folders around the manifest are left out; so is what is no file of ours."""
    try:
        with zipfile.ZipFile(file) as archive:
            _extract(archive, _chosen(archive.infolist()), into)
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError) as error:
        raise Bad(f"The archive cannot be read: {str(error)[:100]}.") from None


def _chosen(members: list[zipfile.ZipInfo]) -> Members:
    """By the name in the output folder."""
    if len(members) > MOST_MEMBERS:
        raise Bad(f"The archive has {len(members):,} files, {MOST_MEMBERS:,} are allowed.")
    manifests = [name for each in members if _base(name := each.filename) == MANIFEST]
    if not manifests:
        raise Bad(f"There is no {MANIFEST} in the archive: pack the whole output folder.")
    prefix = min(manifests, key=len).removesuffix(MANIFEST)
    chosen: Members = {}
    for each in members:
        name = each.filename.removeprefix(prefix)
        if each.filename.startswith(prefix) and _is_ours(name) and _is_plain(each):
            if name in chosen:
                raise Bad(f"The archive has {name} twice.")
            chosen[name] = each
    return chosen


def _base(name: str) -> str:
    return name.rpartition("/")[2]


def _is_ours(name: str) -> bool:
    return name in LIMITS or bool(CHECKPOINT.fullmatch(name))


def _is_plain(member: zipfile.ZipInfo) -> bool:
    """A file, as far as is said: neither a link nor locked nor packed in a way of its own."""
    kind = stat.S_IFMT(member.external_attr >> 16)
    is_open = not member.flag_bits & IS_ENCRYPTED
    return kind in (0, stat.S_IFREG) and is_open and member.compress_type in METHODS


def _extract(archive: zipfile.ZipFile, chosen: Members, into: Path) -> None:
    left = MOST_TOTAL_BYTES
    for name, member in chosen.items():
        target = into / name
        target.parent.mkdir(exist_ok=True)
        with archive.open(member) as packed, target.open("xb") as file:
            left -= _copied(name, packed, file, min(left, LIMITS.get(name, MOST_BYTES)))


def _copied(name: str, packed: IO[bytes], file: IO[bytes], limit: int) -> int:
    """The size declared may be a lie: the bytes that come out are counted."""
    size = 0
    while chunk := packed.read(CHUNK_BYTES):
        size += len(chunk)
        if size > limit:
            raise Bad(f"{name} is larger than the {limit:,} bytes that it may have.")
        file.write(chunk)
    return size

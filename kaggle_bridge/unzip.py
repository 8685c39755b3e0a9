"""A zip of an output folder becomes that folder: only files of ours, bounded, under our names.

Runs in the child process of `examine` only.
"""

import stat
import zipfile
from pathlib import Path
from typing import BinaryIO

from kaggle_bridge.evidence import (
    CHECKPOINT,
    CHUNK_BYTES,
    MANIFEST,
    METRICS,
    MOST_BYTES,
    RESULT,
    Bad,
)

MOST_MEMBERS = 1000
MOST_TOTAL_BYTES = 2 << 30


def unzip(file: Path, into: Path) -> None:
    """Raises Bad. Folders around the manifest are left out; so is what is no file of ours."""
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            if len(members) > MOST_MEMBERS:
                raise Bad(f"The archive has {len(members):,} files, {MOST_MEMBERS:,} are allowed.")
            _extract(archive, _chosen(members), into)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError) as error:
        raise Bad(f"The archive cannot be read: {str(error)[:100]}.") from None


def _chosen(members: list[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
    """By the name in the output folder."""
    manifests = [
        each.filename for each in members
        if each.filename == MANIFEST or each.filename.endswith(f"/{MANIFEST}")
    ]  # fmt: skip
    if not manifests:
        raise Bad(f"There is no {MANIFEST} in the archive: pack the whole output folder.")
    prefix = min(manifests, key=len).removesuffix(MANIFEST)
    chosen: dict[str, zipfile.ZipInfo] = {}
    for each in members:
        name = each.filename.removeprefix(prefix)
        is_inside = each.filename.startswith(prefix)
        if (
            is_inside
            and _is_ours(name)
            and stat.S_IFMT(each.external_attr >> 16)
            in (
                0,
                stat.S_IFREG,
            )
        ):
            if name in chosen:
                raise Bad(f"The archive has {name} twice.")
            chosen[name] = each
    return chosen


def _is_ours(name: str) -> bool:
    return name in (MANIFEST, RESULT, METRICS) or bool(CHECKPOINT.fullmatch(name))


def _extract(archive: zipfile.ZipFile, chosen: dict[str, zipfile.ZipInfo], into: Path) -> None:
    left = MOST_TOTAL_BYTES
    for name, member in chosen.items():
        target = into / name
        target.parent.mkdir(exist_ok=True)
        with archive.open(member) as packed, target.open("xb") as file:
            left -= _copied(name, packed, file, min(left, MOST_BYTES))


def _copied(name: str, packed: object, file: BinaryIO, limit: int) -> int:
    """What is declared may be a lie: the bytes that come out are counted."""
    assert hasattr(packed, "read")
    size = 0
    while chunk := packed.read(CHUNK_BYTES):
        size += len(chunk)
        if size > limit:
            raise Bad(f"{name} is larger than what may be unpacked ({limit >> 20} MB).")
        file.write(chunk)
    return size

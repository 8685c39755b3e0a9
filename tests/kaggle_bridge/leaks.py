"""Searches what a site has written for secrets, in each form in which they may stand there."""

import base64
import gzip
import html
import io
import json
import subprocess
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote, quote_plus

# So much of a secret is found: one that was cut short counts as told.
TELLING = 12

Place = tuple[str, bytes]


def forms(secret: str) -> set[bytes]:
    """Plain and as JSON, HTML and addresses have it; in Base64, alone or amid other text."""
    part = secret[:TELLING]
    texts = {part, json.dumps(part)[1:-1], html.escape(part), quote(part, safe=""), quote(part)}
    texts |= {quote_plus(part), repr(part)[1:-1]}
    return {text.encode() for text in texts} | _in_base64(part.encode())


def _in_base64(part: bytes) -> set[bytes]:
    """What of it is the same whatever stands before and after: at each place within a triple."""
    found = set()
    for before in range(3):
        whole = part[-before % 3 :]
        text = base64.b64encode(whole[: len(whole) // 3 * 3])
        found |= {text, text.translate(bytes.maketrans(b"+/", b"-_"))}
    return found


def leaks(places: Iterable[Place], secrets: dict[str, str]) -> list[str]:
    """Where which secret stands, in words."""
    wanted = {name: forms(secret) for name, secret in secrets.items()}
    return [
        f"{name} in {place}"
        for place, content in places
        for where, layer in layers(place, content)
        for name, known in wanted.items()
        if any(form in layer for form in known)
    ]


def layers(place: str, content: bytes) -> Iterator[Place]:
    """The content, and all that is packed in it."""
    yield place, content
    for name, inner in _unpacked(content):
        yield from layers(f"{place} › {name}", inner)


def _unpacked(content: bytes) -> Iterator[Place]:
    if content[:2] == b"\x1f\x8b":
        with suppress(EOFError, OSError, zlib.error):  # other tests leave damaged ones
            yield "gzip", gzip.decompress(content)
    elif content[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            yield from [(name, archive.read(name)) for name in archive.namelist()]
    elif content[257:262] == b"ustar":
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            files = [member for member in archive if member.isfile()]
            yield from [(file.name, archive.extractfile(file).read()) for file in files]


def files(folder: Path, *but: Path) -> Iterator[Place]:
    """All files below a folder, but those in some."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not any(path.is_relative_to(other) for other in but):
            yield str(path), _content(path)


def _content(path: Path) -> bytes:
    """Of a database by another process: to close its file here would let go of all locks on it."""
    if ".sqlite3" not in path.name:
        return path.read_bytes()
    return subprocess.run(["cat", str(path)], capture_output=True, check=True).stdout

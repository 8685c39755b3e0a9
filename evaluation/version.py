"""Which code this is: a worker and a league with other sources do not play together."""

import hashlib
from functools import cache
from pathlib import Path


@cache
def code_version() -> str:
    """Of the code that this process runs: the sources as they were at the first call."""
    return version_on_disk()


def version_on_disk() -> str:
    """A hash over the engine's sources as they are now."""
    digest = hashlib.sha256()
    folder = Path(__file__).parent
    for path in sorted(folder.rglob("*.py")):
        digest.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()[:12]

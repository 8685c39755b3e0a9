"""The log of a kernel, bounded: its beginning, and its end in two files that take turns."""

from contextlib import suppress
from pathlib import Path

HEAD_BYTES = 2 << 20
TAIL_BYTES = 1 << 20  # of each of the two
CUT = b"\n... (the log was longer: here a part is missing) ...\n"


class BoundedLog:
    """What has been written is counted on the disk, so a second writer goes on where one ended."""

    def __init__(
        self, folder: Path, head_bytes: int = HEAD_BYTES, tail_bytes: int = TAIL_BYTES
    ) -> None:
        self.head = folder / "log.txt"
        self.older, self.newer = folder / "log-older.txt", folder / "log-newer.txt"
        self.head_bytes = head_bytes
        self.tail_bytes = tail_bytes

    def write(self, content: bytes) -> None:
        """A full disk costs lines, not the run."""
        room = max(self.head_bytes - size(self.head), 0)
        with suppress(OSError):
            if content[:room]:
                append(self.head, content[:room])
            if content[room:]:
                self._write_tail(content[room:])

    def _write_tail(self, content: bytes) -> None:
        if size(self.newer) + len(content) > self.tail_bytes and self.newer.exists():
            self.newer.replace(self.older)
        append(self.newer, content)

    def read(self) -> str:
        head, older, newer = map(content_of, (self.head, self.older, self.newer))
        cut = CUT if older else b""
        return (head + cut + older + newer).decode(errors="replace")


def append(path: Path, content: bytes) -> None:
    with path.open("ab") as file:
        file.write(content)


def size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def content_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""

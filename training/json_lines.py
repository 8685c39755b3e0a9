"""A file of JSON objects, one a line, that survives kills and full disks."""

import contextlib
import json
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

Record = dict[str, Any]


class JsonLines:
    """What the disk has no room for waits in `pending` for the next `flush`."""

    def __init__(self, path: Path, pending: Iterable[str] = ()) -> None:
        self.path = path
        self.pending = list(pending)

    def read(self) -> list[Record]:
        """Every whole line; the file may be missing."""
        with contextlib.suppress(FileNotFoundError), self.path.open("rb") as file:
            return [record for record in map(_record, file) if record is not None]
        return []

    def cut(self, keep: Callable[[Record], bool]) -> None:
        """Cuts the first line that is not to be kept, all after it, and a torn end."""
        with contextlib.suppress(FileNotFoundError), self.path.open("rb+") as file:
            file.truncate(_length(file, keep))

    def append(self, record: Mapping[str, Any]) -> OSError | None:
        """Adds a line and writes what is pending; returns what kept it from being written."""
        self.pending.append(json.dumps(record, ensure_ascii=False, allow_nan=False))
        return self.flush()

    def flush(self) -> OSError | None:
        """Writes what is pending to the disk, all of it or, with the error returned, nothing."""
        if not self.pending:
            return None
        data = "".join(f"{line}\n" for line in self.pending).encode()
        try:
            self._write(data)
        except OSError as error:
            return error
        self.pending.clear()
        return None

    def _write(self, data: bytes) -> None:
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        try:
            size = os.fstat(descriptor).st_size
            try:
                while data:
                    data = data[os.write(descriptor, data) :]
                os.fsync(descriptor)
            except OSError:
                os.ftruncate(descriptor, size)
                raise
        finally:
            os.close(descriptor)


def _length(lines: Iterable[bytes], keep: Callable[[Record], bool]) -> int:
    """Bytes up to the end of the last line to keep."""
    place = end = 0
    for line in lines:
        record = _record(line)
        if record is not None and not keep(record):
            break
        place += len(line)
        end = place if record is not None else end
    return end


def _record(line: bytes) -> Record | None:
    """None for what is no whole line with a JSON object."""
    try:
        value = json.loads(line) if line.endswith(b"\n") else None
    except ValueError:
        return None
    return value if isinstance(value, dict) else None

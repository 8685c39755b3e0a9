"""One zip archive that trains wherever jax, flax, optax and NumPy are: put it on sys.path.

Beside `training` and `evaluation` it carries the pure-Python packages that such a place may lack.
Equal sources give equal bytes. `python -m training.archive training.zip` writes one.
"""

import sys
import zipfile
from collections.abc import Iterator
from importlib import metadata, resources
from importlib.resources.abc import Traversable
from pathlib import Path

OURS = ("evaluation", "training")
# mctx needs chex, and that toolz; the rest of what they need comes with flax and optax.
CARRIED = ("mctx", "chex", "toolz")
SKIPPED = ("__pycache__", "tests", "sandbox_tests")
SUFFIXES = (".py", ".json", ".js", ".css", ".txt", ".typed")
EPOCH = (1980, 1, 1, 0, 0, 0)
READABLE = 0o644  # where the archive is unpacked


def build(out: Path) -> Path:
    """Writes the archive, replacing what is there."""
    with zipfile.ZipFile(out, "w") as archive:
        for package in (*OURS, *CARRIED):
            for name, file in _files(resources.files(package), package):
                _add(archive, name, file.read_bytes())
        for package in CARRIED:
            for name, licence in _licences(package):
                _add(archive, f"licences/{package}/{name}", licence)
    return out


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name, EPOCH)
    entry.external_attr = READABLE << 16
    archive.writestr(entry, content, zipfile.ZIP_DEFLATED, compresslevel=9)


def _licences(package: str) -> Iterator[tuple[str, bytes]]:
    for file in metadata.files(package) or ():
        if file.name.startswith(("LICENSE", "AUTHORS")):
            yield file.name, file.read_binary()


def _files(folder: Traversable, path: str) -> Iterator[tuple[str, Traversable]]:
    for each in sorted(folder.iterdir(), key=lambda each: each.name):
        name = f"{path}/{each.name}"
        if each.is_dir() and each.name not in SKIPPED:
            yield from _files(each, name)
        elif each.is_file() and each.name.endswith(SUFFIXES) and not _is_test(each.name):
            yield name, each


def _is_test(name: str) -> bool:
    return name.startswith("test_") or name.removesuffix(".py").endswith("_test")


if __name__ == "__main__":
    print(build(Path(sys.argv[1])))

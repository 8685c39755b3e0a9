"""What trains wherever jax, flax, optax and NumPy are: ours, and packages that may lack there.

Equal sources give equal bytes. `python -m training.archive training.zip` writes a zip to put on
PYTHONPATH; a Kaggle kernel embeds the same files.
"""

import sys
import zipfile
from collections.abc import Iterator
from importlib import metadata
from importlib.resources.abc import Traversable
from importlib.util import find_spec
from pathlib import Path

from training import source

# The search that CI tested, for nothing else there wants mctx. chex, which it needs, and toolz,
# which that needs, may be installed there: `training` puts `carried` last on the path.
FOLDERS = {"mctx": "", "chex": "carried/", "toolz": "carried/"}
SKIPPED = ("__pycache__", "tests", "sandbox_tests")
EPOCH = (1980, 1, 1, 0, 0, 0)
READABLE = 0o644  # where the archive is unpacked


def build(out: Path) -> Path:
    """Writes the zip, replacing what is there."""
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in contents().items():
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.external_attr = READABLE << 16
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED, compresslevel=9)
    return out


def contents() -> dict[str, bytes]:
    """Every file by its name, `/` between folders; text in UTF-8. Imports no package for it."""
    files = {name: file.read_bytes() for name, file in source.shipped()}
    for package, folder in FOLDERS.items():
        for name, file in _files(_root(package), package):
            files[f"{folder}{name}"] = file.read_bytes()
        for name, licence in _licences(package):
            files[f"licences/{package}/{name}"] = licence
    return files


def _root(package: str) -> Traversable:
    spec = find_spec(package)
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(f"No module named {package!r}", name=package)
    reader = spec.loader.get_resource_reader(package)  # type: ignore[attr-defined]
    root: Traversable = reader.files()
    return root


def _licences(package: str) -> Iterator[tuple[str, bytes]]:
    for file in metadata.files(package) or ():
        if file.name.startswith(("LICENSE", "AUTHORS")):
            yield file.name, file.read_binary()


def _files(folder: Traversable, path: str) -> Iterator[tuple[str, Traversable]]:
    for each in sorted(folder.iterdir(), key=lambda each: each.name):
        name = f"{path}/{each.name}"
        if each.is_dir() and each.name not in SKIPPED:
            yield from _files(each, name)
        elif each.name.endswith(".py") and not each.name.endswith("_test.py"):
            yield name, each


if __name__ == "__main__":
    print(build(Path(sys.argv[1])))

"""Which code and which machine a run had: versions, devices, a hash over the sources.

Works from a zip on sys.path as well as from a folder.
"""

import hashlib
import platform
from collections.abc import Iterator
from functools import cache
from importlib import metadata, resources
from importlib.resources.abc import Traversable

PACKAGES = ("training", "evaluation")
DISTRIBUTIONS = ("jax", "jaxlib", "flax", "optax", "numpy")
SUFFIXES = (".py", ".json")


def versions() -> dict[str, str]:
    """Of Python and of what training stands on."""
    return {"python": platform.python_version()} | {name: _version(name) for name in DISTRIBUTIONS}


@cache
def source_hash() -> str:
    """sha256 over names and contents of the sources; tests are left out.

    Once a process: files that change while a run goes on do not change the run.
    """
    digest = hashlib.sha256()
    for package in PACKAGES:
        for name, file in _files(resources.files(package), package):
            content = file.read_bytes()
            digest.update(f"{name} {len(content)}\n".encode())
            digest.update(content)
    return digest.hexdigest()


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "unknown"


def _files(folder: Traversable, path: str) -> Iterator[tuple[str, Traversable]]:
    for each in sorted(folder.iterdir(), key=lambda each: each.name):
        name = f"{path}/{each.name}"
        if each.is_dir():
            yield from _files(each, name)
        elif each.name.endswith(SUFFIXES) and not each.name.startswith("test_"):
            yield name, each

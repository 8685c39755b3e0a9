"""Which code and which machine a run had: versions, devices, a hash over the sources.

`shipped` is the one list of what an archive takes along of ours, and the hash is over exactly that:
the same in the tree that CI tested, in an archive and in a kernel.
"""

import hashlib
import platform
from collections.abc import Iterator
from functools import cache
from importlib import metadata, resources
from importlib.resources.abc import Traversable

DISTRIBUTIONS = ("jax", "jaxlib", "flax", "optax", "numpy")
OURS = ("evaluation", "training")
# What `import evaluation` takes, the games, and the ladder's maths; no server, box or player.
ENGINE = (
    "__init__",
    "agent",
    "catalogue",
    "chance",
    "engine",
    "envs",
    "errors",
    "ladder",
    "outcome",
    "perception",
    "registry",
    "runner",
    "schema",
    "seats",
    "source",
    "spec",
    "trainer",
    "utils",
)
SUFFIXES = (".py", ".json")
UNUSED = ("starter.py", "handmade.py")  # of a game: for people, and for its tests


def versions() -> dict[str, str]:
    """Of Python and of what training stands on."""
    return {"python": platform.python_version()} | {name: _version(name) for name in DISTRIBUTIONS}


@cache
def source_hash() -> str:
    """sha256 over names and contents of what is shipped.

    Once a process: files that change while a run goes on do not change the run.
    """
    return hash_of((name, file.read_bytes()) for name, file in shipped())


def hash_of(files: Iterator[tuple[str, bytes]]) -> str:
    """files: by name, in the order of `shipped`."""
    digest = hashlib.sha256()
    for name, content in files:
        digest.update(f"{name} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def shipped() -> Iterator[tuple[str, Traversable]]:
    """All that training needs of ours, by name, always in the same order."""
    for package in OURS:
        yield from _files(resources.files(package), package)


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "unknown"


def _files(folder: Traversable, path: str) -> Iterator[tuple[str, Traversable]]:
    for each in sorted(folder.iterdir(), key=lambda each: each.name):
        name = f"{path}/{each.name}"
        if path == "evaluation" and each.name.removesuffix(".py") not in ENGINE:
            continue
        if each.is_dir():
            if path != "evaluation/envs" or each.joinpath("jax_env.py").is_file():
                yield from _files(each, name)
        elif _is_used(each.name):
            yield name, each


def _is_used(name: str) -> bool:
    return name.endswith(SUFFIXES) and not name.startswith("test_") and name not in UNUSED

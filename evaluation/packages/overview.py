"""What an organiser reads about package sets in a shell."""

import os
from collections.abc import Iterator
from pathlib import Path

from evaluation.packages.install import PROJECT, old_folders, prepared
from evaluation.packages.sets import PackageSet, available, problems


def default_data_dir() -> Path:
    """Where the league's data lie, as its workers are told too."""
    return Path(os.environ.get("DATA_DIR") or PROJECT / "var").absolute()


def overview(data_dir: Path) -> Iterator[str]:
    """A line for each set, each bad file, and each installation that no set needs any more."""
    found = available(data_dir)
    width = max(len(one.name) for one in found)
    yield from (_line(one, width, data_dir) for one in found)
    yield from problems(data_dir)
    for folder in old_folders(data_dir):
        yield f"No set needs {folder} any more: delete it when no worker runs."


def _line(one: PackageSet, width: int, data_dir: Path) -> str:
    state = "installed" if prepared(one, data_dir) else "on first use"
    return f"{one.name:{width}}  {state:12}  {one.memory_mb} MiB, {one.startup_s:g} s  {one.title}"

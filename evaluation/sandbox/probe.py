"""Does the box hold on this machine? Decided by attacking a real one, never by version numbers."""

import contextlib
import os
import secrets
import socket
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evaluation.sandbox import attack
from evaluation.sandbox.errors import BoxFailed
from evaluation.sandbox.limits import Limits
from evaluation.sandbox.process import AgentProcess
from evaluation.sandbox.view import ENVIRONMENT, PROJECT, bwrap_path, default_agent_python

ATTACK_S = 5.0
OUTSIDE = ["/", "/kaggle_simulations/agent", "/packages/0", "/usr/lib", "/box", "/dev", "/etc"]
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
    "processes_hidden": "it sees or signals other processes",
    "processes_refused": "it can create processes",
    "writes_refused": "it writes outside /tmp",
    "tmp_writable": "/tmp is not writable",
    "descriptors_closed": "it inherited descriptors",
    "unprivileged": "it keeps the rights of root",
    "filtered": "system calls are not filtered",
    "memory_limited": "its memory is not limited",
    "threads_limited": "its threads are not limited",
}


@dataclass(frozen=True)
class Probe:
    """level "A": strangers' agents are boxed here; "none": they must wait, for this reason.

    remedy: one shell command that mends it, empty where none is known or needed.
    """

    level: str
    reason: str
    remedy: str = ""
    checks: dict[str, bool] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)


def probe(data_dir: Path | None = None, *, agent_python: Path | None = None) -> Probe:
    """Boxes an attacker and looks what it got. Takes well under a second."""
    python = agent_python or default_agent_python()
    details: dict[str, Any] = {"uid": os.getuid(), "kernel": os.uname().release}
    started = time.monotonic()
    try:
        details["bwrap"] = bwrap_path()
        checks = _attack(data_dir, python, details)
    except BoxFailed as error:
        reason, remedy = _explain(error)
        return Probe("none", reason, remedy, {}, details)
    details["seconds"] = round(time.monotonic() - started, 3)
    return conclude(checks, details)


def conclude(checks: dict[str, bool], details: dict[str, Any]) -> Probe:
    leaks = [EXPLAINED[name] for name, holds in checks.items() if not holds]
    if leaks:
        return Probe("none", f"The box does not hold: {'; '.join(leaks)}.", "", checks, details)
    return Probe("A", "The box holds.", "", checks, details)


def _attack(data_dir: Path | None, python: Path, details: dict[str, Any]) -> dict[str, bool]:
    limits = Limits()
    hidden = [data_dir] if data_dir else []
    with contextlib.ExitStack() as stack:
        own = [str(Path(__file__)), *stack.enter_context(_planted(PROJECT))]
        data = stack.enter_context(_planted(data_dir)) if data_dir else []
        observation = {
            "secrets": [*own, *data],
            "folders": OUTSIDE,
            "worker": os.getpid(),
            "too_much": limits.memory_bytes,
            **stack.enter_context(_listening()),
        }
        source = Path(attack.__file__)
        box = AgentProcess(source, limits, agent_python=python, hidden=hidden)
        stack.enter_context(contextlib.closing(box))
        box.load()
        found, _ = box.act(observation, {}, ATTACK_S)
        if box.verdict:
            raise BoxFailed(f"The probe did not finish: {box.verdict.message}")
        outside = box.status()
    shown = {name: value for name, value in outside.items() if name.startswith(RIGHTS)}
    details |= {"found": found, "status": shown, "load_seconds": round(box.load_seconds, 4)}
    return judge(found, outside, own, data, limits)


def judge(
    found: dict[str, Any], outside: dict[str, str], own: list[str], data: list[str], limits: Limits
) -> dict[str, bool]:
    """Which promises hold, by what the attacker got and what the kernel says of it outside."""
    capabilities = [value for name, value in outside.items() if name.startswith("Cap")]
    return {
        "project_hidden": not set(found["read"]) & set(own),
        "data_hidden": not set(found["read"]) & set(data),
        "network_refused": not found["connected"],
        "environment_clean": set(found["environment"]) <= {*ENVIRONMENT, "PWD"},
        "processes_hidden": not found["signalled"] and not found["sees_processes"],
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
    """A canary in this folder; none where it cannot be written."""
    try:
        canary = tempfile.NamedTemporaryFile(prefix=".canary-", dir=folder)  # noqa: SIM115
    except OSError:
        yield []
        return
    with canary:
        os.chmod(canary.name, 0o644)
        yield [os.path.realpath(canary.name)]


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

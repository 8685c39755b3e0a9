"""Plays hostile agents in real boxes, as this user or an ordinary one; looks what is left."""

import contextlib
import os
import pickle
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from evaluation.sandbox import view
from evaluation.sandbox.limits import MIB, Limits
from evaluation.sandbox.process import AgentProcess

AGENTS = sorted(Path(__file__).parent.joinpath("agents").glob("*.py"))
HEADER = re.compile(r"# Tries: .+\. Must come out: (\w+)(?:, action (\d+))?\.")
ORDINARY_UID = 65532
SYSTEM_PYTHON = Path("/usr/bin/python3")
LIMITS = Limits(startup_s=0.5, memory_bytes=256 * MIB, threads=16, file_bytes=4 * MIB)
HONEST = "def agent(observation, configuration):\n    return observation.step + configuration.add\n"


@dataclass(frozen=True)
class Outcome:
    """What came out, as plain data."""

    code: str
    message: str
    detail: str
    action: Any
    logs: str
    opponent: list[int]
    survivors: list[int]


def expected(agent: Path) -> tuple[str, int | None]:
    header = HEADER.match(agent.read_text())
    assert header, f"{agent.name} has no header line"
    return header[1], header[2] and int(header[2])


def play(agent: Path, folder: Path, agent_python: Path | None = None) -> Outcome:
    """Two moves against an honest opponent that moves after it."""
    honest = folder / "honest.py"
    honest.write_text(HONEST)
    secret = secrets.token_bytes(16)
    canary = folder / "canary"
    canary.write_bytes(secret)
    observation = {
        "canary": str(canary),
        "secret_backwards": secret[::-1].hex(),
        "worker": os.getpid(),
        "threads": LIMITS.threads,
        "file_bytes": LIMITS.file_bytes,
        "remainingOverageTime": 0,
    }
    deadline_s = 0.3 if expected(agent)[0] == "move_timeout" else 10
    opponent, logs, action = [], "", None
    with contextlib.ExitStack() as stack:
        boxes = [
            stack.enter_context(AgentProcess(path, LIMITS, agent_python=agent_python))
            for path in (agent, honest)
        ]
        for box in boxes:
            box.start()
        for step in range(2):
            if not boxes[0].verdict:
                action, log = boxes[0].act(observation | {"step": step}, {}, deadline_s)
                logs += log["stdout"] + log["stderr"]
            opponent.append(boxes[1].act({"step": step}, {"add": 10}, 10)[0])
        verdict = boxes[0].verdict
        sessions = {pid for box in boxes for pid in box.pids()}
    return Outcome(
        code=verdict.code if verdict else "plays",
        message=verdict.message if verdict else "",
        detail=verdict.detail if verdict else "",
        action=None if verdict else action,
        logs=logs,
        opponent=opponent,
        survivors=processes_of(sessions),
    )


def processes_of(sessions: set[int]) -> list[int]:
    """The processes that belong to these sessions; a box has one of its own."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with contextlib.suppress(OSError):
                if os.getsid(int(entry.name)) in sessions:
                    found.append(int(entry.name))
    return found


def as_ordinary_user(function: Callable[[], Any]) -> Any:
    """Calls the function in a child that has given up root; skips where that cannot play."""
    if os.geteuid() != 0:
        return function()
    if not SYSTEM_PYTHON.exists() or not os.stat(view.bwrap_path()).st_mode & 0o001:
        pytest.skip("no interpreter that an ordinary user can reach")
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        _answer_as_user(function, write)
    os.close(write)
    with open(read, "rb") as pipe:
        answer = pipe.read()
    os.waitpid(pid, 0)
    result = pickle.loads(answer)
    if isinstance(result, BaseException):
        raise result
    return result


def _answer_as_user(function: Callable[[], Any], pipe: int) -> None:
    try:
        os.setgroups([])
        os.setresgid(ORDINARY_UID, ORDINARY_UID, ORDINARY_UID)
        os.setresuid(ORDINARY_UID, ORDINARY_UID, ORDINARY_UID)
        view.is_root.cache_clear()
        view.view_of.cache_clear()
        result = function()
    except BaseException as error:
        result = error
    os.write(pipe, pickle.dumps(result))
    os._exit(0)

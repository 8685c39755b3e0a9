"""Plays hostile agents in real boxes, as this user or an ordinary one; looks what is left."""

import contextlib
import dataclasses
import functools
import hashlib
import os
import pickle
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from evaluation.sandbox import view
from evaluation.sandbox.limits import MIB, Limits
from evaluation.sandbox.process import AgentProcess
from tests.hostile.bait import MARKER, Bait

HERE = Path(__file__).parent
HEADER = re.compile(
    r"# (?:Tries|Needs): (?P<what>.+)\. Must come out: "
    r"(?P<codes>\w+(?: or \w+)*)(?:, action (?P<action>\S+))?\.\n"
)
ORDINARY_UID = 65532
SYSTEM_PYTHON = Path("/usr/bin/python3")
LIMITS = Limits(startup_s=5, memory_bytes=256 * MIB, threads=16, file_bytes=4 * MIB, cpu_s=2)
SHORT_S = 0.3  # start-up and move, where running into the limit is what must come out
LONG_S = 10.0
SETTLE_S = 5.0
MOVES = 2
OPPONENT_CONFIGURATION = {"add": 10}
OPPONENT = """
weights = open("/kaggle_simulations/agent/weights.txt").read()
def agent(observation, configuration):
    return observation.step + configuration.add
"""


@dataclass(frozen=True)
class Expectation:
    """What an agent's header line says must come out; action: its JSON, None if none is due."""

    codes: tuple[str, ...]
    action: str | None


@dataclass(frozen=True)
class Outcome:
    """What came out, as plain data. The worker's own state is what the play added to it."""

    code: str
    message: str
    detail: str
    action: Any
    logs: str
    leaks: list[str]
    harm: list[str]
    opponent: list[Any]
    opponent_seconds: list[float]
    survivors: list[int]
    added: "Footprint"


@dataclass(frozen=True)
class Footprint:
    """What a process holds."""

    descriptors: int = 0
    resident_bytes: int = 0

    @classmethod
    def now(cls) -> "Footprint":
        return cls(
            descriptors=len(os.listdir("/proc/self/fd")),
            resident_bytes=int(Path("/proc/self/statm").read_text().split()[1]) * 4096,
        )

    def since(self, before: "Footprint") -> "Footprint":
        return Footprint(
            self.descriptors - before.descriptors,
            self.resident_bytes - before.resident_bytes,
        )


@dataclass
class Seat:
    """One boxed agent and all that it has said."""

    box: AgentProcess
    space: str = ""  # of processes, that its box has to itself
    actions: list[Any] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    logs: list[str] = field(default_factory=list)

    def move(self, observation: dict[str, Any], configuration: dict[str, Any], s: float) -> None:
        if self.box.verdict:
            return
        action, log = self.box.act(observation, configuration, s)
        self.actions.append(repr(action) if isinstance(action, Exception) else action)
        self.seconds.append(log["duration"])
        self.logs += [log["stdout"], log["stderr"]]

    def said(self) -> str:
        """Everything of it that anybody could see."""
        verdict = self.box.verdict
        return "\n".join(map(repr, [self.actions, *self.logs, self.box.load_log, verdict]))


def agents_in(folder: str) -> list[Path]:
    """Files, and folders with a main.py, in this folder or one folder a kind below."""
    found = [*HERE.joinpath(folder).glob("*"), *HERE.joinpath(folder).glob("*/*")]
    return sorted(path for path in found if (path / "main.py").exists() or _stands_alone(path))


def _stands_alone(path: Path) -> bool:
    return path.suffix == ".py" and not (path.parent / "main.py").exists()


def expected(agent: Path) -> Expectation:
    main = agent / "main.py" if agent.is_dir() else agent
    header = HEADER.match(main.read_text())
    assert header, f"{agent.name} has no header line"
    return Expectation(tuple(header["codes"].split(" or ")), header["action"])


def play(agent: Path, folder: Path, agent_python: Path | None = None) -> Outcome:
    """Two moves against an honest opponent that moves after it. folder: empty, open to all."""
    warm_up(agent_python, os.getpid())
    before = Footprint.now()
    bait = Bait(folder)
    uploads = [upload(agent, folder), upload_opponent(folder, bait.secrets["opponent"])]
    limits, move_s = _limits(expected(agent))
    with bait:
        attacker, opponent = _episode(uploads, bait, limits, move_s, agent_python)
        harm = bait.harm()
    verdict = attacker.box.verdict
    return Outcome(
        code=verdict.code if verdict else "plays",
        message=verdict.message if verdict else "",
        detail=verdict.detail if verdict else "",
        action=None if verdict else attacker.actions[-1],
        logs="".join(attacker.logs),
        leaks=bait.leaks(attacker.said() + opponent.said()),
        harm=harm,
        opponent=opponent.actions,
        opponent_seconds=opponent.seconds,
        survivors=survivors(attacker.space, opponent.space),
        added=Footprint.now().since(before),
    )


def _episode(
    uploads: list[Path], bait: Bait, limits: Limits, move_s: float, agent_python: Path | None
) -> tuple[Seat, Seat]:
    """The seats of attacker and opponent, played to the end and closed."""
    with contextlib.ExitStack() as boxes:
        attacker, opponent = (
            Seat(boxes.enter_context(AgentProcess(path, own_limits, agent_python=agent_python)))
            for path, own_limits in zip(uploads, (limits, LIMITS), strict=True)
        )
        for seat in (attacker, opponent):
            seat.box.start()
            seat.space = os.readlink(f"/proc/{seat.box.pid}/ns/pid")
        opponent.box.load()
        known = bait.observation() | knowledge(uploads[1])
        for step in range(MOVES):
            attacker.move(known | {"step": step}, {}, move_s)
            opponent.move({"step": step}, OPPONENT_CONFIGURATION, LONG_S)
    return attacker, opponent


def play_pair(
    agent: Path, folder: Path, pondering: bool, agent_python: Path | None = None
) -> list[Any]:
    """The actions of both seats, which play the same upload in two episodes, move by move."""
    place = upload(agent, folder)
    options = {"agent_python": agent_python, "pondering": pondering}
    actions = []
    for _ in range(2):
        with contextlib.ExitStack() as boxes:
            seats = [
                Seat(boxes.enter_context(AgentProcess(place, LIMITS, **options))) for _ in range(2)
            ]
            for step in range(MOVES):
                for number, seat in enumerate(seats):
                    seat.move({"step": step, "seat": number}, {}, LONG_S)
        actions += [seat.box.verdict or seat.actions for seat in seats]
    return actions


def _limits(expectation: Expectation) -> tuple[Limits, float]:
    """Of start-up and of a move: short where running into one is what must come out."""
    startup_s = SHORT_S if "startup_timeout" in expectation.codes else LIMITS.startup_s
    move_s = SHORT_S if "move_timeout" in expectation.codes else LONG_S
    return dataclasses.replace(LIMITS, startup_s=startup_s), move_s


def upload(agent: Path, folder: Path) -> Path:
    """A folder of its own, as the league keeps it: named by content, readable for the box."""
    content = agent / "main.py" if agent.is_dir() else agent
    place = folder / "agents" / hashlib.sha256(content.read_bytes()).hexdigest()
    if agent.is_dir():
        shutil.copytree(agent, place)
    else:
        place.mkdir(parents=True)
        shutil.copyfile(agent, place / "main.py")
    return place


def upload_opponent(folder: Path, secret: str) -> Path:
    place = folder / "agents" / hashlib.sha256(OPPONENT.encode()).hexdigest()
    place.mkdir(parents=True)
    (place / "main.py").write_text(OPPONENT)
    (place / "weights.txt").write_text(secret)
    return place


def knowledge(opponent: Path) -> dict[str, Any]:
    """What an agent may know anyway, and what it must not be able to use."""
    return {
        "opponent": str(opponent),
        "processes": descendants(os.getpid()),
        "threads": LIMITS.threads,
        "memory_bytes": LIMITS.memory_bytes,
        "file_bytes": LIMITS.file_bytes,
        "files": LIMITS.files,
        "descriptors": LIMITS.descriptors,
        "remainingOverageTime": 0,
    }


@functools.cache
def warm_up(agent_python: Path | None, process: int) -> None:
    """What a process makes once and keeps is made before anything is counted."""
    with tempfile.TemporaryDirectory(prefix="palaestra-hostile-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        opponent = upload_opponent(folder, MARKER)
        for _ in range(2):
            with AgentProcess(opponent, LIMITS, agent_python=agent_python) as box:
                box.load()


def survivors(*spaces: str) -> list[int]:
    """The processes that are still there, and those that nobody has buried."""
    deadline = time.monotonic() + SETTLE_S
    while (left := [*inhabitants(spaces), *zombies()]) and time.monotonic() < deadline:
        time.sleep(0.01)
    return left


def inhabitants(spaces: Collection[str]) -> Iterator[int]:
    """The processes that live in one of these spaces of processes."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with contextlib.suppress(OSError):
                if os.readlink(entry / "ns" / "pid") in spaces:
                    yield int(entry.name)


def zombies() -> Iterator[int]:
    for pid in descendants(os.getpid()):
        with contextlib.suppress(OSError):
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                yield pid


def descendants(pid: int) -> list[int]:
    """The processes below this one, as long as their parents live."""
    children: list[int] = []
    with contextlib.suppress(OSError):
        for path in list(Path(f"/proc/{pid}/task").glob("*/children")):
            children += [int(child) for child in path.read_text().split()]
    return [*children, *(below for child in children for below in descendants(child))]


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
        _forget_who_it_was()
        result = function()
    except BaseException as error:
        result = error
    os.write(pipe, pickle.dumps(result))
    os._exit(0)


def _forget_who_it_was() -> None:
    for remembering in vars(view).values():
        if hasattr(remembering, "cache_clear"):
            remembering.cache_clear()

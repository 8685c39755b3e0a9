"""Plays many short episodes in this process and prints, as JSON, what it held early and late.

Some of the agents fail. `python -m tests.evaluation.sandbox.endurance --help`
"""

import argparse
import gc
import json
import os
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from evaluation.match import EpisodeSpec, play_episode
from evaluation.sandbox import keeper
from tests.processes import descendants_of

HONEST = """
import numpy
def agent(observation):
    print("move", observation.step)
    return int(numpy.flatnonzero(numpy.array(observation.board) == 0)[0])
"""
RAISES = "def agent(observation):\n    raise ValueError('x' * 10_000)\n"
EXITS = "import os\ndef agent(observation):\n    os._exit(3)\n"
LOOPS = "def agent(observation):\n    while True: pass\n"
CHEATS = "def agent(observation): return 99\n"
BREAKS = "raise RuntimeError\n"
THREADS = """
import threading, time
for _ in range(3):
    threading.Thread(target=time.sleep, args=[99], daemon=True).start()
def agent(observation): return observation.board.index(0)
"""
NO_VERDICT = ""
# Every so many episodes one with such an agent, which begins on even numbers.
ODD_ONES = (
    (10, THREADS, NO_VERDICT),
    (25, RAISES, "exception"),
    (27, EXITS, "exited"),
    (29, CHEATS, "invalid_action"),
    (31, BREAKS, "exception"),
    (199, LOOPS, "move_timeout"),
)
SHORT = {"actTimeout": 0.05, "remainingOverageTime": 0}
SAMPLE_EVERY = 10
SETTLE_S = 5.0


@dataclass(frozen=True)
class Held:
    """What this process has when no zygote is left: bytes, and counts."""

    resident: int
    descriptors: int
    processes: int
    uids: int

    @classmethod
    def now(cls) -> "Held":
        keeper.close()
        gc.collect()
        return cls(
            resident=int(Path("/proc/self/statm").read_text().split()[1])
            * os.sysconf("SC_PAGESIZE"),
            descriptors=len(os.listdir("/proc/self/fd")),
            processes=len(descendants_of(os.getpid())),
            uids=_claimed_uids(),
        )


@dataclass
class Report:
    """wrong: episodes that did not end as they should; zombies: pids that nobody buried."""

    seconds: float = 0.0
    verdicts: dict[str, int] = field(default_factory=dict)
    wrong: list[Any] = field(default_factory=list)
    zombies: list[int] = field(default_factory=list)
    most_processes: int = 0
    zygotes: int = 0
    early: Held | None = None
    late: Held | None = None
    files: list[str] = field(default_factory=list)


class Endurance:
    """An honest agent against itself, now and then against one that fails."""

    def __init__(self, folder: Path, hidden: Path) -> None:
        self.report = Report()
        self._folder, self._hidden = folder, hidden
        self._zygotes: set[int] = set()
        self._honest = self._written(HONEST)
        self._odd = [(every, self._written(code), due) for every, code, due in ODD_ONES]

    def _written(self, source: str) -> Path:
        """A folder, as the league keeps uploads."""
        main = Path(tempfile.mkdtemp(dir=self._folder)) / "main.py"
        main.write_text(source)
        return main.parent

    def play(self, numbers: range) -> None:
        started = time.monotonic()
        for number in numbers:
            self._play_one(number)
            if number % SAMPLE_EVERY == 0:
                self._look_around()
        self.report.seconds += time.monotonic() - started

    def _play_one(self, number: int) -> None:
        odd, due = self._odd_one(number)
        agents = [odd or self._honest, self._honest]
        is_late = due == "move_timeout"
        spec = EpisodeSpec(
            "tictactoe", SHORT if is_late else {}, agents, hidden=[str(self._hidden)]
        )
        result = play_episode(spec)
        codes = [verdict["code"] if verdict else NO_VERDICT for verdict in result.verdicts]
        self.report.verdicts[codes[0]] = self.report.verdicts.get(codes[0], 0) + 1
        if codes != [due, NO_VERDICT]:
            self.report.wrong.append([number, due, result.verdicts])

    def _odd_one(self, number: int) -> tuple[Path | None, str]:
        for every, agent, due in reversed(self._odd):
            if number % every == every // 2:
                return agent, due
        return None, NO_VERDICT

    def _look_around(self) -> None:
        below = descendants_of(os.getpid())
        self._zygotes |= {pid for pid in below if _parent_of(pid) == os.getpid()}
        self.report.zygotes = len(self._zygotes)
        self.report.most_processes = max(self.report.most_processes, len(below))
        self.report.zombies += _unburied(below)


def _unburied(pids: list[int]) -> list[int]:
    """Those that have ended and stay as zombies."""
    deadline = time.monotonic() + SETTLE_S
    while (dead := [pid for pid in pids if _state_of(pid) == "Z"]) and time.monotonic() < deadline:
        time.sleep(0.002)
    return dead


def _state_of(pid: int) -> str:
    return _stat(pid)[0]


def _parent_of(pid: int) -> int:
    return int(_stat(pid)[1])


def _stat(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ["gone", "0"]


def _resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE")


def _claimed_uids() -> int:
    """How many of this process's sockets hold the name of a user id."""
    own = set()
    for entry in os.scandir("/proc/self/fd"):
        try:
            own.add(os.readlink(entry.path))
        except OSError:  # the descriptor of the listing itself
            continue
    lines = [line.split() for line in Path("/proc/net/unix").read_text().splitlines()]
    return sum(
        len(line) == 8 and line[7].startswith("@palaestra-uid-") and f"socket:[{line[6]}]" in own
        for line in lines
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.evaluation.sandbox.endurance")
    parser.add_argument("folder", type=Path, help="where agents are written")
    parser.add_argument("--episodes", type=int, default=300)
    parser.add_argument("--early", type=int, default=100, help="episodes before the first look")
    parser.add_argument("--recycle", type=int, default=keeper.RECYCLE_AFTER_LAUNCHES)
    options = parser.parse_args()
    keeper.RECYCLE_AFTER_LAUNCHES = options.recycle
    hidden = options.folder / "hidden"
    hidden.mkdir()
    run = Endurance(options.folder, hidden)
    run.play(range(options.early))
    run.report.early = Held.now()
    run.play(range(options.early, options.episodes))
    run.report.late = Held.now()
    run.report.files = [*os.listdir(tempfile.gettempdir()), *os.listdir(hidden)]
    json.dump(asdict(run.report), sys.stdout)


if __name__ == "__main__":
    main()

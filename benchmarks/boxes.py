"""Boxes: how many a core starts and plays, what they add to a move, what they hold and charge."""

import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from benchmarks.engine import kaggle
from benchmarks.machine import busy_processes, cpu_seconds, is_stopped
from benchmarks.measure import Row, alternate, seconds
from evaluation.agent import Log
from evaluation.match import EpisodeSpec, play_episode
from evaluation.sandbox import view
from evaluation.sandbox.clock import Clock
from evaluation.sandbox.cores import own_core
from evaluation.sandbox.keeper import RECYCLE_AFTER_LAUNCHES
from evaluation.sandbox.limits import Limits
from evaluation.sandbox.process import AgentProcess

# Columns of connectx: a full board without four in a row, and a win by the twentieth move.
FULL_BOARD = "330254564223355224331121550404466660106011"
SHORT_WIN = "05144511153631124225"
SCRIPTED = """
import numpy
MOVES = "{moves}"
def agent(observation, configuration):
    return int(MOVES[sum(map(bool, observation.board))])
"""
INSTANT = "def agent(observation, configuration): return 3\n"
PONDERING = """
import threading
def count():
    number = 0
    while True:
        number += 1
threading.Thread(target=count, daemon=True).start()
def agent(observation, configuration): return 3
"""
WORKING = """
import time
def agent(observation, configuration):
    end = time.process_time() + {cpu_s}
    while time.process_time() < end:
        pass
"""
OBSERVATION = {"step": 1, "remainingOverageTime": 60, "board": [0] * 42, "mark": 1}
CONFIGURATION = {"actTimeout": 2, "columns": 7, "rows": 6, "inarow": 4, "episodeSteps": 1000}

# A round has one zygote recycled, with all that it takes to warm up and probe another.
ROUNDS, PLAIN_STARTS = 3, 5
STARTS, EPISODES = RECYCLE_AFTER_LAUNCHES, RECYCLE_AFTER_LAUNCHES // 2
SIDE_BY_SIDE, SHORT_EPISODES = 15, 8
MOVES, HELD = 4000, 5
TURN_S, TURNS = 0.5, 4
STOP_S = 0.1
JOB_S, JOBS, LOAD = 0.030, 40, 4


def boxes() -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="palaestra-bench-") as name:
        folder = Path(name)
        return [
            _starts(folder),
            _episodes(folder),
            _beside_kaggle(folder),
            _added_to_a_move(folder),
            _memory(folder),
            _pondering(folder),
            _loaded_machine(folder),
        ]


def _written(folder: Path, source: str) -> Path:
    path = folder / "agent.py"
    path.write_text(source)
    return path


def _per_core_second(action: Callable[[], object], count: int) -> float:
    """The median round; the first, unmeasured one warms up."""
    rates = []
    for _ in range(ROUNDS + 1):
        before = cpu_seconds()
        action()
        rates.append(count / (cpu_seconds() - before))
    return statistics.median(rates[1:])


def _starts(folder: Path) -> Row:
    agent = _written(folder, SCRIPTED.format(moves=FULL_BOARD))

    def boxed() -> None:
        for _ in range(STARTS):
            with AgentProcess(agent, Limits()) as process:
                assert process.load() is None, process.verdict

    rate = _per_core_second(boxed, STARTS)
    plain = _per_core_second(_plain_starts, PLAIN_STARTS)
    return Row(
        "boxed NumPy agents started per core-second",
        f"{rate:.0f} (plain bubblewrap: {plain:.1f})",
        "100, better 130",
        rate >= 100,
    )


def _plain_starts() -> None:
    """The same view of the machine, made anew for each interpreter."""
    seen = view.view_of(view.default_agent_python())
    paths = [inside for _, inside in seen.packages]
    code = f"import sys; sys.path += {paths}; import numpy"
    command = view.enclosed(seen, (), os.geteuid() == 0, view.ENVIRONMENT)
    for _ in range(PLAIN_STARTS):
        subprocess.run([*command, "-c", code], check=True, env={})


def _episodes(folder: Path) -> Row:
    agent = _written(folder, SCRIPTED.format(moves=FULL_BOARD))

    def boxed() -> None:
        for _ in range(EPISODES):
            _play(agent, len(FULL_BOARD))

    rate = _per_core_second(boxed, EPISODES)
    what = "boxed 42-move episodes of connectx per core-second"
    return Row(what, f"{rate:.1f}", "40, better 55", rate >= 40)


def _play(agent: Path, moves: int) -> None:
    result = play_episode(EpisodeSpec("connectx", {}, [agent, agent]))
    assert result.statuses == ["DONE", "DONE"], result.verdicts
    assert sum(map(len, result.moves)) == moves


def _beside_kaggle(folder: Path) -> Row:
    """Episodes a second on the wall, both with agents that are read anew for each episode."""
    what, wanted = "boxed 20-move episodes over unboxed ones", "1.3 times, better 2"
    make = kaggle()
    if make is None:
        return Row(what, "kaggle-environments is not installed", wanted)
    agent = _written(folder, SCRIPTED.format(moves=SHORT_WIN))
    env = make("connectx")

    def boxed() -> None:
        for _ in range(SHORT_EPISODES):
            _play(agent, len(SHORT_WIN))

    def unboxed() -> None:
        for _ in range(SHORT_EPISODES):
            env.run([str(agent), str(agent)])
            assert len(env.steps) == len(SHORT_WIN) + 1

    boxed()
    unboxed()
    ours, theirs = (SHORT_EPISODES / s for s in alternate(boxed, unboxed, SIDE_BY_SIDE))
    measured = f"{ours / theirs:.1f} times ({ours:.0f} and {theirs:.0f} a second)"
    return Row(what, measured, wanted, ours / theirs >= 1.3)


@contextmanager
def _seated(agent: Path, **options: Any) -> Iterator[AgentProcess]:
    """A loaded agent on a processor that it shares with its worker alone, as in an episode."""
    with own_core(), AgentProcess(agent, Limits(), **options) as process:
        assert process.load() is None, process.verdict
        yield process


def _act(process: AgentProcess) -> Log:
    _, log = process.act(OBSERVATION, CONFIGURATION, 60.0)
    assert process.verdict is None, process.verdict
    return log


def _added_to_a_move(folder: Path) -> Row:
    with _seated(_written(folder, INSTANT)) as process:
        added = statistics.median(seconds(lambda: _act(process)) for _ in range(MOVES))
    measured = f"{added * 1e6:.0f} µs"
    return Row("added to a move by the box, median", measured, "80 µs, better 60", added < 80e-6)


def _memory(folder: Path) -> Row:
    agent = _written(folder, SCRIPTED.format(moves=FULL_BOARD))
    held = statistics.median(_private_bytes(agent) for _ in range(HELD)) / 1e6
    return Row("private memory of a NumPy agent", f"{held:.1f} MB", "5 MB", held < 5)


def _private_bytes(agent: Path) -> int:
    """The pages that no other process shares."""
    with _seated(agent) as process:
        lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Private_"))


def _pondering(folder: Path) -> Row:
    agent = _written(folder, PONDERING)
    frozen, free = (max(_gains(agent, pondering)) * 1000 for pondering in (False, True))
    turn = f"{TURN_S * 1000:.0f} ms of the other's turn"
    measured = f"{frozen:.3g} ms ({free:.0f} where it may)"
    return Row(f"processor time of a thread in {turn}", measured, "0 ms", frozen == 0)


def _gains(agent: Path, pondering: bool) -> Iterator[float]:
    """Processor seconds that the agent got while it was not its turn."""
    with _seated(agent, pondering=pondering) as process, closing(Clock(process.pid)) as clock:
        for _ in range(TURNS):
            _act(process)
            _await_stop(process.pid)
            before = clock.read()
            time.sleep(TURN_S)
            yield clock.read().since(before).cpu


def _await_stop(pid: int) -> None:
    """The kernel stops each thread when that is due to run; 10 µs, or a slice on a busy core."""
    deadline = time.monotonic() + STOP_S
    while not is_stopped(pid) and time.monotonic() < deadline:
        time.sleep(0.001)


def _loaded_machine(folder: Path) -> Row:
    agent = _written(folder, WORKING.format(cpu_s=JOB_S))
    cores = sorted(os.sched_getaffinity(0))
    with _seated(agent) as process, busy_processes(LOAD * len(cores), cores):
        logs = [_act(process) for _ in range(JOBS)]
    charged = statistics.median(log["duration"] for log in logs)
    wall = statistics.median(log["wall"] for log in logs)
    return Row(
        f"charged for a job of {JOB_S * 1000:.0f} ms under {LOAD} times the load, median",
        f"{charged * 1000:.0f} ms ({wall * 1000:.0f} by the wall)",
        "45 ms",
        charged < 0.045,
    )

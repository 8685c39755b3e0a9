"""What agents pay for on a busy machine: their own time, not what others take from them."""

import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest

from benchmarks.machine import busy_processes, is_stopped
from evaluation import match
from evaluation.agent import Log
from evaluation.match import AgentSpec, EpisodeResult, EpisodeSpec, MatchSpec
from evaluation.sandbox.clock import Clock, Reading
from evaluation.sandbox.errors import BoxFailed
from evaluation.sandbox.process import AgentProcess

WORKING = """
import time
def agent(observation):
    end = time.process_time() + {cpu_s}
    while time.process_time() < end:
        pass
    return observation.get("board", [0]).index(0)
"""
SLEEPING = "import time\ndef agent(observation): time.sleep(0.05)\n"
COUNTING = """
import threading
def count():
    number = 0
    while True:
        number += 1
threading.Thread(target=count, daemon=True).start()
def agent(observation): return 1
"""
# Digests are computed without the interpreter's lock: the threads run at the same time.
CROWDING = """
import hashlib, threading
block = bytes(1 << 20)
def work():
    for _ in range(20): hashlib.sha256(block)
def agent(observation):
    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads: thread.start()
    work()
    for thread in threads: thread.join()
"""
JOB_S, ALLOWED_S = 0.03, 0.045
# An idle core has time for five such jobs within the limit of a move, a busy one not for one.
SHORT_JOB_S, MOVE_S = 0.05, 0.25
ROUNDING_S = 0.002  # what the clocks themselves take, and how finely the kernel keeps them
TICKS_S = 0.008  # two of the scheduler's, by which a wait on a busy core may be told too long


@pytest.fixture
def core() -> Iterator[list[int]]:
    """A single processor, to which this process and the boxes that it starts keep."""
    before = os.sched_getaffinity(0)
    only = max(before)
    os.sched_setaffinity(0, {only})
    yield [only]
    os.sched_setaffinity(0, before)


def moves(box: AgentProcess, count: int, deadline_s: float = 60.0) -> list[Log]:
    assert box.load() is None, box.verdict
    return [move(box, deadline_s) for _ in range(count)]


def move(box: AgentProcess, deadline_s: float) -> Log:
    return box.act({"remainingOverageTime": 0}, {"actTimeout": deadline_s}, deadline_s)[1]


def median(logs: list[Log], key: str) -> float:
    return statistics.median(log[key] for log in logs)


@pytest.mark.parametrize(
    ("wall", "cpu", "main", "waited", "charge"),
    [
        (1.0, 0.2, 0.2, 0.0, 1.0),  # it slept
        (1.0, 0.2, 0.2, 0.8, 0.2),  # it waited for a processor
        (1.0, 0.7, 0.2, 0.8, 0.7),  # its threads waited for each other, and for a processor
        (1.0, 0.5, 0.1, 0.4, 1.0),  # it waited for its own threads only, then slept
        (1.0, 1.9, 0.9, 0.0, 1.0),  # its threads had two processors
        (1.0, 0.0, 0.0, 1.1, 0.0),  # the clocks were not read at the same instant
    ],
)
def test_charge_is_processor_time_or_time_not_spent_waiting(wall, cpu, main, waited, charge):
    assert Reading(wall, cpu, main, waited).charge == pytest.approx(charge)


def test_waiting_for_a_processor_is_not_charged(boxed, core):
    box = boxed(WORKING.format(cpu_s=JOB_S))
    box.load()
    with busy_processes(2, core):
        logs = moves(box, 8)
    for log in logs:
        assert JOB_S <= log["cpu"] <= log["duration"] <= log["wall"]
    assert median(logs, "duration") < median(logs, "wall") - 0.5 * JOB_S


@pytest.mark.slow
def test_charge_hardly_rises_under_four_times_the_load(boxed, core):
    box = boxed(WORKING.format(cpu_s=JOB_S))
    box.load()
    with busy_processes(4, core):
        logs = moves(box, 40)
    assert median(logs, "duration") < ALLOWED_S
    assert median(logs, "wall") > 2 * JOB_S, "there was no load"


def test_sleep_is_charged(boxed):
    for log in moves(boxed(SLEEPING), 4):
        assert 0.05 <= log["duration"] <= log["wall"]
        assert log["cpu"] < 0.02


def test_sleep_is_charged_on_a_busy_core(boxed, core):
    box = boxed(SLEEPING)
    box.load()
    with busy_processes(2, core):
        assert min(log["duration"] for log in moves(box, 4)) >= 0.05 - ROUNDING_S - TICKS_S


def test_threads_that_crowd_each_other_are_charged(boxed, core):
    for log in moves(boxed(CROWDING), 4):
        assert log["cpu"] - ROUNDING_S <= log["duration"] <= log["wall"]
        assert log["cpu"] > 0.03


def test_threads_on_several_cores_are_not_charged_more_than_the_wall(boxed):
    for log in moves(boxed(CROWDING), 4):
        assert log["duration"] <= log["wall"]


def test_import_is_charged_like_a_move(boxed, core):
    work = f"import time\nend = time.process_time() + {JOB_S}\n"
    box = boxed(work + "while time.process_time() < end: pass\n" + SLEEPING)
    with busy_processes(2, core):
        box.load()
    (used,) = box.used
    assert JOB_S <= box.load_seconds <= used.wall
    assert box.load_seconds == used.charge


def test_wall_clock_charges_all_time_that_passes(boxed, core):
    """The same agent that is late by the wall has time left by the clock that is fair."""
    boxes = [boxed(WORKING.format(cpu_s=0.1), is_fair=fair) for fair in (True, False)]
    for box in boxes:
        box.load()
    with busy_processes(3, core):
        fair, wall = (moves(box, 1, 0.2)[0] for box in boxes)
    assert boxes[0].verdict is None
    assert fair["duration"] < 0.2 < fair["wall"]
    assert boxes[1].verdict.code == "move_timeout"
    assert wall["duration"] == wall["wall"] >= 0.2


def await_stop(box: AgentProcess) -> None:
    """The kernel stops each thread when that is due to run, which takes microseconds."""
    deadline = time.monotonic() + 2
    while not is_stopped(box.pid):
        assert time.monotonic() < deadline, "it is not frozen"
        time.sleep(0.001)


def test_frozen_agent_gains_no_processor_time(boxed):
    box = boxed(COUNTING)
    with closing(Clock(box.pid)) as clock:
        for _ in range(3):
            moves(box, 1)
            await_stop(box)
            before = clock.read()
            time.sleep(0.2)
            assert clock.read().cpu == before.cpu


def test_stopping_an_agent_leaves_it_no_time(boxed, core):
    """Even on a core that it shares with its worker, where it stops when it is next due."""
    box = boxed(COUNTING)
    with closing(Clock(box.pid)) as clock:
        gains = []
        for _ in range(20):
            moves(box, 1)
            before = clock.read()
            time.sleep(0.01)
            gains.append(clock.read().since(before).cpu)
    assert statistics.median(gains) < 0.001


def test_agent_that_may_ponder_thinks_in_the_others_turn(boxed):
    box = boxed(COUNTING, pondering=True)
    with closing(Clock(box.pid)) as clock:
        moves(box, 1)
        before = clock.read()
        time.sleep(0.5)
        assert clock.read().since(before).cpu > 0.1


@pytest.mark.slow
def test_agent_that_the_machine_keeps_from_running_is_no_fault_of_its_own(boxed, core):
    budget_s = 0.4
    box = boxed(WORKING.format(cpu_s=2 * budget_s))
    box.load()
    with busy_processes(16, core):
        started = time.monotonic()
        with pytest.raises(BoxFailed, match="overloaded"):
            move(box, budget_s)
    assert 3 * budget_s + 2 <= time.monotonic() - started < 3 * budget_s + 4
    assert box.verdict is None


class Match:
    """Plays one episode on a core that is busy from the moment at which agents are imported."""

    def __init__(self, core: list[int], write: Callable[..., str]) -> None:
        self.core, self.write = core, write
        self.played = 0

    def play(self, cpu_s: float, clock: str, busy_episodes: int, loops: int = 8) -> EpisodeResult:
        """busy_episodes: in how many of the attempts others are busy with endless loops."""
        agents = [self.write(WORKING.format(cpu_s=cpu_s)), AgentSpec("random", "builtin")]
        configuration: dict[str, Any] = {"actTimeout": MOVE_S, "remainingOverageTime": 0}
        spec = EpisodeSpec("tictactoe", configuration, agents, seed=1, clock=clock)
        with ExitStack() as load:

            def begin(stage: str, seconds: float) -> None:
                load.close()
                self.played += 1
                if self.played <= busy_episodes:
                    load.enter_context(busy_processes(loops, self.core))

            return match.play(MatchSpec([spec]), begin).episodes[0]


@pytest.fixture
def busy_match(core, write) -> Match:
    return Match(core, write)


def test_episode_that_only_load_decided_is_played_again(busy_match):
    result = busy_match.play(SHORT_JOB_S, clock="wall", busy_episodes=1)
    assert busy_match.played == 2
    assert result.statuses == ["DONE", "DONE"]


def test_episode_that_load_decides_again_stands_and_says_so(busy_match):
    result = busy_match.play(SHORT_JOB_S, clock="wall", busy_episodes=2)
    assert busy_match.played == 2
    assert result.statuses == ["TIMEOUT", "DONE"]
    assert result.verdicts[0]["code"] == "move_timeout"
    assert result.overloaded
    assert result.replay["info"]["overloaded"]


def test_agent_that_is_slow_by_itself_is_not_played_again(busy_match):
    result = busy_match.play(10.0, clock="charged", busy_episodes=1, loops=3)
    assert busy_match.played == 1
    assert result.statuses == ["TIMEOUT", "DONE"]
    assert result.overloaded


def test_fair_clock_keeps_load_from_deciding(busy_match):
    """What is kept for the agent's owner shows why: it waited, and did not pay for it."""
    result = busy_match.play(SHORT_JOB_S, clock="charged", busy_episodes=1)
    assert busy_match.played == 1
    assert result.statuses == ["DONE", "DONE"]
    assert result.overloaded
    for entry in result.step_logs[0]:
        assert entry["cpu"] <= entry["seconds"] < MOVE_S < entry["wall"]
        assert entry["delay"] > SHORT_JOB_S
    assert result.delay[0] > sum(entry["delay"] for entry in result.step_logs[0]) - ROUNDING_S

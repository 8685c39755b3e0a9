"""The foraging world in `make bench`: its training beside emergence-lab's, and its contest."""

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict
from pathlib import Path
from time import perf_counter, sleep
from typing import NamedTuple

import evaluation
from benchmarks.measure import Row, seconds
from benchmarks.training import cores, foraging_peer
from benchmarks.training.foraging_turns import PRESET, Failed, Trainer, Turn, started, uncached
from benchmarks.training.strength import device

GPU_WORLDS = (1024, 4096)
ROUNDS, STARTS, EPISODES = 5, 3, 5
OURS, WARM = 4, 2  # updates of ours in its turn, lest one pause of a busy machine decide
CPU, GPU = "device=cpu", "device=gpu"
# 256 agent-steps a minibatch, where slots of 128 steps are drawn whole; the preset's are larger.
GUIDE = ("foraging.learning.minibatches=512", "foraging.learning.epochs=4")
UNTRACKED = (
    "foraging.tracking.emergence_interval=0",
    "foraging.tracking.specialization_interval=0",
)
SETTINGS = (GUIDE, (), UNTRACKED)
COLONIES = ("pheromone", "greedy", "random", "greedy")
STEPS = 500
PATIENCE_SECONDS = 300


class Course(NamedTuple):
    """A trainer's start to its first metrics, in seconds, and its updates in turn with others."""

    first: float
    turns: Sequence[Turn]

    @property
    def rate(self) -> float:
        """Agent-steps a second of the median update."""
        return statistics.median(turn.steps / turn.seconds for turn in self.turns)


Theirs = Course | str  # or why it is not measured


def foraging() -> list[Row]:
    """In a process of its own, which keeps to two cores with all that it starts."""
    command = [sys.executable, "-m", "benchmarks.training.foraging"]
    done = subprocess.run(command, env=uncached(), stdout=subprocess.PIPE, text=True, check=True)
    return [Row(**row) for row in json.loads(done.stdout)]


def measured() -> list[Row]:
    guide, preset, untracked, theirs = training()
    return [
        speed("as the guide has it", guide, theirs),
        speed("the preset", preset, theirs),
        first_metrics(preset, theirs),
        trackers(preset, untracked),
        contest(),
        gpu(),
    ]


def training() -> tuple[Course, Course, Course, Theirs]:
    """The preset with the guide's minibatches, as it is, without trackers; and theirs.

    All are alive at once and in turn at work.
    """
    first = statistics.median(until_metrics() for _ in range(STARTS))
    with ExitStack() as stack:
        ours = [stack.enter_context(started("ours", CPU, *each)) for each in SETTINGS]
        theirs = _theirs(stack)
        turns: list[list[Turn]] = [[], [], []]
        their_turns = []
        for trainer in ours:
            trainer.updates(WARM)
        for _ in range(ROUNDS):
            for trainer, made in zip(ours, turns, strict=True):
                made += trainer.updates(OURS)
            their_turns += [] if isinstance(theirs, str) else theirs.updates(1)
    courses = [Course(first, made) for made in turns]
    reason = theirs if isinstance(theirs, str) else Course(theirs.first_seconds, their_turns)
    return courses[0], courses[1], courses[2], reason


def _theirs(stack: ExitStack) -> Trainer | str:
    try:
        foraging_peer.folder()
        return stack.enter_context(started("theirs"))
    except foraging_peer.NotThere as reason:
        return str(reason)
    except Failed as failure:
        return f"emergence-lab does not run here: {failure}"


def until_metrics() -> float:
    """From the start of `python -m training run` to the first line of its metrics."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "training", "run", PRESET, "--out", folder]
        command += ["--set", CPU, "--set", "log_interval=1", "--resume", "none"]
        began = perf_counter()
        run = subprocess.Popen(command, env=uncached(), stdout=subprocess.DEVNULL)
        try:
            while not _has_line(Path(folder) / "metrics.jsonl"):
                if run.poll() is not None or perf_counter() - began > PATIENCE_SECONDS:
                    raise Failed(f"the preset {PRESET} leaves no metrics")
                sleep(0.01)
            return perf_counter() - began
        finally:
            run.kill()
            run.wait()


def _has_line(path: Path) -> bool:
    with suppress(OSError):
        return b"\n" in path.read_bytes()
    return False


def speed(how: str, ours: Course, theirs: Theirs) -> Row:
    what, wanted = f"foraging with learning, {how}", "10 times emergence-lab, better 15"
    if isinstance(theirs, str):
        return Row(what, f"{ours.rate:,.0f} agent-steps/s; not compared: {theirs}", wanted)
    times = ours.rate / theirs.rate
    measured = f"{times:.1f} times ({ours.rate:,.0f} and {theirs.rate:,.0f} agent-steps/s)"
    return Row(what, measured, wanted, times >= 10)


def first_metrics(ours: Course, theirs: Theirs) -> Row:
    what, wanted = "foraging, start to first metrics", ".5 of emergence-lab's, better .25"
    if isinstance(theirs, str):
        return Row(what, f"{ours.first:.1f} s; not compared: {theirs}", wanted)
    share = ours.first / theirs.first
    measured = f"{share:.2f} ({ours.first:.1f} and {theirs.first:.1f} s)"
    return Row(what, measured, wanted, share <= 0.5)


def trackers(ours: Course, untracked: Course) -> Row:
    share = 1 - ours.rate / untracked.rate
    return Row("foraging, trackers' share of the time", f"{share:.1%}", "under 3 %", share < 0.03)


def contest() -> Row:
    """The median episode of four colonies, in this process."""
    env = evaluation.make("foraging", {"episodeSteps": STEPS + 1})
    env.run(list(COLONIES))
    spent = statistics.median(seconds(lambda: env.run(list(COLONIES))) for _ in range(EPISODES))
    if len(env.steps) != STEPS + 1 or any(seat["status"] != "DONE" for seat in env.state):
        raise Failed("an episode of foraging did not reach its end")
    what = f"foraging, a contest of {len(COLONIES)} colonies, {STEPS} steps, unboxed"
    return Row(what, f"{spent:.2f} s", "1.5 s, better 0.5", spent <= 1.5)


def gpu() -> Row:
    """The better of some numbers of worlds."""
    what, wanted = "foraging with learning, many worlds on a GPU", "3 M agent-steps/s, better 10"
    platform, name = device()
    if platform != "gpu":
        return Row(what, "not measured: JAX finds none", wanted)
    rates = [_gpu_rate(worlds) for worlds in GPU_WORLDS]
    listed = ", ".join(
        f"{rate / 1e6:.1f} M at {worlds:,}" for worlds, rate in zip(GPU_WORLDS, rates, strict=True)
    )
    return Row(what, f"{listed} worlds ({name})", wanted, max(rates) >= 3e6)


def _gpu_rate(worlds: int) -> float:
    settings = (GPU, f"foraging.num_envs={worlds}", "foraging.shards=1")
    with started("ours", *settings, platform="cuda,cpu") as trainer:
        trainer.updates(WARM)
        return Course(trainer.first_seconds, trainer.updates(ROUNDS)).rate


if __name__ == "__main__":
    cores.bind()
    print(json.dumps([asdict(row) for row in measured()]))

"""How strong training makes a player in a given time: the long table, its curves and their chart.

Seeds, settings and the set of positions were fixed before; `tuning` is what constants are chosen
on, `held_out` is judged on here and nowhere else.
"""

import json
import shutil
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from benchmarks.measure import Row
from benchmarks.training import cores, judge
from benchmarks.training.choosers import Chooser
from benchmarks.training.course import Moment, environment, thinned, train
from benchmarks.training.curves import Curve, Judged, Shares, chart
from benchmarks.training.judge import Matches
from benchmarks.training.negamax import negamax
from benchmarks.training.unbeaten import tictactoe

OUT = Path("var/benchmarks/training")
SIMULATIONS = 256
MOVE_SECONDS = 0.2
GAMES, DEPTH = 60, 4
PLIES = 6  # what a full search of so many does not decide is judged apart
SHARES = (0.04, 0.08, 0.15, 0.25, 0.4, 0.6, 0.8)  # of a run, where its curve is judged
HOW = (
    "network alone",
    f"training's search, {SIMULATIONS} simulations",
    f"exported agent's, {SIMULATIONS} simulations",
)
DEVICE = "import jax; print(jax.devices()[0].platform, jax.devices()[0].device_kind)"


class Goal(NamedTuple):
    must: float
    stretch: float

    def __str__(self) -> str:
        return f"{short(self.must)}, better {short(self.stretch)}"


@dataclass(frozen=True)
class Figure:
    """A preset that is trained with each seed, and what is asked of the mean. name: of its folder.

    every: moves between checkpoints. exported: positions at MOVE_SECONDS each, as in matches.
    """

    name: str
    preset: str
    seconds: float
    every: int
    overrides: tuple[str, ...]
    seeds: tuple[int, ...]
    alone: Goal
    searched: Goal | None = None
    exported: Goal | None = None
    points: Goal | None = None


CPU = Figure(
    name="cpu",
    preset="connectx",
    seconds=400,
    every=100_000,
    overrides=("device=cpu",),
    seeds=(0, 1, 2),
    alone=Goal(0.72, 0.78),
    searched=Goal(0.88, 0.93),
    points=Goal(50, 56),
)
GPU = Figure(
    name="gpu",
    preset="connectx",
    seconds=600,
    every=500_000,
    overrides=(
        "device=gpu",
        "total_steps=20000000",
        "selfplay.learning.decay=20000000",
        "selfplay.network.kind=resnet",
        "selfplay.network.width=64",
        "selfplay.network.depth=6",
        "selfplay.games=1024",
        "selfplay.shards=1",
        "selfplay.learning.batch=4096",
    ),
    seeds=(0,),
    alone=Goal(0.85, 0.95),
    exported=Goal(0.95, 0.99),
)


def strength(processes: int = 1) -> list[Row]:
    """Runs go one after the other, whatever `processes` says: each is given the whole machine."""
    platform, name = device()
    rows = _figure(GPU, name) if platform == "gpu" else []
    cores.bind()
    return [*rows, *_figure(CPU, f"{cores.CORES} cores"), *tictactoe()]


def device() -> tuple[str, str]:
    """What JAX would compute on. Asked in a process that gives the device back."""
    asked = subprocess.run(
        [sys.executable, "-c", DEVICE], capture_output=True, text=True, check=True
    )
    platform, _, device = asked.stdout.strip().splitlines()[-1].partition(" ")
    return platform, device


def _figure(figure: Figure, device: str) -> list[Row]:
    curves = {seed: _curve(figure, seed) for seed in figure.seeds}
    _store(curves, OUT / figure.name, device)
    ends = [curve[-1] for curve in curves.values()]
    what = f"connectx, {min(end.seconds for end in ends):.0f} s on {device}"
    # The one checkpoint that is left of each seed.
    kept = [next((OUT / figure.name / str(seed)).glob("step_*.safetensors")) for seed in curves]
    agents = [exported(checkpoint) for checkpoint in kept]
    rows = _shares(figure, what, ends)
    if figure.exported:
        shares = [_at_the_clock(agent) for agent in agents]
        rows.append(_row(f"{what}, exported, {MOVE_SECONDS} s a move", shares, figure.exported))
    if figure.points:
        rows.append(_matches(what, agents, figure.points))
    return rows


def _shares(figure: Figure, what: str, ends: Sequence[Judged]) -> list[Row]:
    goals = (figure.alone, figure.searched, None)
    rows = [
        _row(f"{what}, {how}", [end.everywhere[place] for end in ends], goals[place])
        for place, how in enumerate(HOW)
    ]
    hard = f"{what}, where {PLIES} plies do not tell"
    return rows + [
        _row(f"{hard}, {how}", [end.beyond[place] for end in ends], None)
        for place, how in enumerate(HOW)
    ]


def _store(curves: Mapping[int, Curve], folder: Path, device: str) -> None:
    where = f"seconds of training on {device}"
    (folder / "curves.svg").write_text(chart(list(curves.values()), where))
    seeds = {seed: [judged.plain() for judged in curve] for seed, curve in curves.items()}
    (folder / "curves.json").write_text(json.dumps({"device": device, "seeds": seeds}, indent=1))


def _curve(figure: Figure, seed: int) -> Curve:
    """Trains, judges some of what was saved, and leaves only the last checkpoint."""
    folder = OUT / figure.name / str(seed)
    shutil.rmtree(folder, ignore_errors=True)
    overrides = (*figure.overrides, f"seed={seed}")
    course = train(figure.preset, folder, figure.seconds, figure.every, overrides)
    curve = [_judged(moment) for moment in thinned(course, SHARES)]
    for path in folder.glob("*.safetensors"):
        if path != course[-1].checkpoint:
            path.unlink()
    return curve


def _judged(moment: Moment) -> Judged:
    held_out, chooser = judge.positions("held_out"), Chooser.read(moment.checkpoint)
    ways = (
        chooser.alone(held_out.boards),
        chooser.searched(held_out.boards, SIMULATIONS),
        chooser.exported(held_out.boards, SIMULATIONS),
    )
    beyond = judge.is_beyond(held_out, PLIES)
    return Judged(
        moment.seconds,
        moment.moves,
        Shares(*(judge.judged(way, held_out).value_optimal for way in ways)),
        Shares(*(judge.judged(way[beyond], held_out.where(beyond)).value_optimal for way in ways)),
    )


def exported(checkpoint: Path, move_seconds: float = MOVE_SECONDS) -> Path:
    """The agent that this checkpoint becomes, packed and beside it."""
    archive = checkpoint.with_name("agent.tar.gz")
    command = [sys.executable, "-m", "training", "export", "--checkpoint", str(checkpoint)]
    command += ["--out", str(archive), "--move-seconds", str(move_seconds)]
    subprocess.run(command, env=environment(), stdout=subprocess.DEVNULL, check=True)
    return archive


def _at_the_clock(agent: Path) -> float:
    choose = judge.moves_of(str(agent))
    return judge.optimal(choose, judge.positions("held_out")).value_optimal


def _matches(what: str, agents: Sequence[Path], goal: Goal) -> Row:
    played: list[Matches] = []
    for seed, agent in enumerate(agents):
        played.append(judge.versus(str(agent), negamax(DEPTH, seed), GAMES, seed))
    points = statistics.mean(matches.points for matches in played)
    listed = ", ".join(map(str, played))
    faults = sum(matches.faults for matches in played)
    return Row(
        f"{what}, exported, {MOVE_SECONDS} s a move, {GAMES} games against negamax {DEPTH}",
        f"{points:.1f} points ({listed}{f'; {faults} faults' if faults else ''})",
        str(goal),
        points >= goal.must,
    )


def _row(what: str, values: Sequence[float], goal: Goal | None) -> Row:
    mean, each = statistics.mean(values), " ".join(map(short, values))
    measured = short(mean) + (f" ({each})" if len(values) > 1 else "")
    what = f"{what}: moves that keep the value"
    return Row(what, measured, str(goal or ""), mean >= goal.must if goal else None)


def short(value: float) -> str:
    """Shares as .883, points as they are."""
    return f"{value:.3f}".lstrip("0") if value < 1 else f"{value:g}"

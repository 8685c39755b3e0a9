"""What foraging's training and its evolution are worth: the long table, its curves and figures.

Each seed is trained three times for the same time: by learning alone; by a little learning and then
evolution alone; and so again without selection, where as many mutate and nobody is chosen. These
two are judged at the same steps, the first as it was by then, all on episodes of the same chance.
"""

import json
import shutil
import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from benchmarks.measure import Row
from benchmarks.training import cores
from benchmarks.training.course import Moment, thinned, train
from benchmarks.training.foraging_curves import LABELS, Arms, Curve, Judged, chart
from benchmarks.training.foraging_ratios import Ratio, ratio
from benchmarks.training.foraging_turns import PRESET

OUT = Path("var/benchmarks/foraging")
SECONDS = 600.0
SEEDS = (0, 1, 2, 3, 4)
EVERY = 1_000_000  # agent-steps between checkpoints
SHARES = (0.04, 0.1, 0.2, 0.4, 0.7)  # of a run, where its curve is judged
SETTINGS = ("device=cpu", "total_steps=1000000000")  # time ends it
EVOLVING = (
    "foraging.mode=alternating",
    "foraging.evolution.gradient_steps=500000",  # not enough for the shared weights to find home
    "foraging.evolution.evolve_steps=1000000000",
)
RUNS = {
    "learned": (),
    "evolved": EVOLVING,
    "unselected": (*EVOLVING, "foraging.evolution.selection=false"),
}


def long_table(processes: int = 1) -> list[Row]:
    """Runs go one after the other, whatever `processes` says: each is given both cores."""
    cores.bind()
    curves = {seed: course_of(seed) for seed in SEEDS}
    ends = [curve[-1] for curve in curves.values()]
    _store(curves, ratios(ends))
    return rows(ends)


def rows(ends: Sequence[Judged]) -> list[Row]:
    """Of what each seed has come to."""
    seconds = min(end.seconds for end in ends)
    means = ", ".join(
        f"{label} {statistics.mean(end.arms[place] for end in ends):.3f}"
        for place, label in enumerate(LABELS)
    )
    gain, *others = ratios(ends).items()
    what = "foraging, delivered per agent-life,"
    name, holds = f"{what} {seconds:.0f} s, {gain[0]}", _holds(gain[1], lambda it: it.value >= 10)
    return [
        Row(name, f"{gain[1]} ({means})", "10, better 20", holds),
        *(
            Row(f"{what} {label}", str(each), "clear of 1", _holds(each, lambda it: it.low > 1))
            for label, each in others
        ),
    ]


def ratios(ends: Sequence[Judged]) -> dict[str, Ratio | str]:
    """Learned over random; evolved over the two that show what selection is worth.

    Where one has no ratio, the reason stands in its place.
    """
    columns = zip(*(end.arms for end in ends), strict=True)
    learned, evolved, shared, unselected, random = columns
    return {
        "learned over random": _compared(learned, random),
        "evolved over shared weights": _compared(evolved, shared),
        "evolved over no selection": _compared(evolved, unselected),
    }


def _compared(first: Sequence[float], second: Sequence[float]) -> Ratio | str:
    try:
        return ratio(first, second)
    except ValueError as reason:
        return f"not compared: {reason}"


def _holds(found: Ratio | str, rule: Callable[[Ratio], bool]) -> bool | None:
    return None if isinstance(found, str) else rule(found)


def _store(curves: Mapping[int, Curve], found: Mapping[str, Ratio | str]) -> None:
    where = f"seconds of training on {cores.CORES} cores"
    (OUT / "curves.svg").write_text(chart(list(curves.values()), where))
    data = {
        "seconds": SECONDS,
        "ratios": {
            label: each if isinstance(each, str) else each._asdict()
            for label, each in found.items()
        },
        "seeds": {seed: [judged.plain() for judged in curve] for seed, curve in curves.items()},
    }
    (OUT / "curves.json").write_text(json.dumps(data, indent=1))


def course_of(seed: int) -> Curve:
    """Trains three times, judges some of what was saved, and leaves only the last checkpoints."""
    runs = {name: _trained(seed, name, overrides) for name, overrides in RUNS.items()}
    together = common(runs)
    curve = [_judged(together[moment], seed) for moment in thinned(list(together), SHARES)]
    for run in runs.values():
        for moment in run[:-1]:
            moment.checkpoint.unlink()
    return curve


def _trained(seed: int, name: str, overrides: Sequence[str]) -> Sequence[Moment]:
    folder = OUT / str(seed) / name
    shutil.rmtree(folder, ignore_errors=True)
    return train(PRESET, folder, SECONDS, EVERY, (*SETTINGS, *overrides, f"seed={seed}"))


def _judged(found: Mapping[str, Moment], seed: int) -> Judged:
    from benchmarks.training.foraging_judge import People, delivered  # JAX

    people = {name: People.read(moment.checkpoint) for name, moment in found.items()}
    evolved = people["evolved"]
    arms = people | {"shared": evolved.shared, "random": evolved.random}
    worth = Arms(**{name: delivered(each, seed) for name, each in arms.items()})
    return Judged(found["evolved"].seconds, found["evolved"].moves, worth)


def common(runs: Mapping[str, Sequence[Moment]]) -> dict[Moment, dict[str, Moment]]:
    """Moments of the evolved, with those of the others that go with them, by the runs' names."""
    unselected = {moment.moves: moment for moment in runs["unselected"]}
    return {
        moment: {
            "evolved": moment,
            "unselected": unselected[moment.moves],
            "learned": _by_then(runs["learned"], moment.seconds),
        }
        for moment in runs["evolved"]
        if moment.moves in unselected
    }


def _by_then(run: Sequence[Moment], seconds: float) -> Moment:
    """The last moment up to that time, or the first of all."""
    return [run[0], *(moment for moment in run if moment.seconds <= seconds)][-1]

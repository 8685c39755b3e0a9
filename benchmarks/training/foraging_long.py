"""What foraging's training and its evolution are worth: the long table, its curves and figures.

Each seed is trained twice for the same time, with selection and without: there as many mutate, but
nobody is chosen. What both had saved at the same steps is judged on episodes of the same chance.
"""

import json
import shutil
import statistics
from collections.abc import Mapping, Sequence
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
UNSELECTED = "foraging.evolution.selection=false"


def long_table(processes: int = 1) -> list[Row]:
    """Runs go one after the other, whatever `processes` says: each is given both cores."""
    cores.bind()
    curves = {seed: course_of(seed) for seed in SEEDS}
    ends = [curve[-1] for curve in curves.values()]
    _store(curves, ratios(ends))
    return rows(ends)


def rows(ends: Sequence[Judged]) -> list[Row]:
    """Of what each seed has come to."""
    found = ratios(ends)
    what = f"foraging, delivered per agent-life, {min(end.seconds for end in ends):.0f} s, evolved"
    means = ", ".join(
        f"{label} {statistics.mean(end.arms[place] for end in ends):.3f}"
        for place, label in enumerate(LABELS)
    )
    gain = found.pop("random")
    return [
        Row(f"{what} over random play", f"{gain} ({means})", "10, better 20", gain.value >= 10),
        *(
            Row(f"{what} over {label}", str(each), "clear of 1", each.low > 1)
            for label, each in found.items()
        ),
    ]


def ratios(ends: Sequence[Judged]) -> dict[str, Ratio]:
    """Of the evolved population over each of the others, by their labels."""
    evolved, *others = zip(*(end.arms for end in ends), strict=True)
    return {label: ratio(evolved, other) for label, other in zip(LABELS[1:], others, strict=True)}


def _store(curves: Mapping[int, Curve], found: Mapping[str, Ratio]) -> None:
    where = f"seconds of training on {cores.CORES} cores"
    (OUT / "curves.svg").write_text(chart(list(curves.values()), where))
    data = {
        "seconds": SECONDS,
        "evolved_over": {label: each._asdict() for label, each in found.items()},
        "seeds": {seed: [judged.plain() for judged in curve] for seed, curve in curves.items()},
    }
    (OUT / "curves.json").write_text(json.dumps(data, indent=1))


def course_of(seed: int) -> Curve:
    """Trains twice, judges some of what was saved, and leaves only the last checkpoints."""
    selected = _trained(seed, "selected", ())
    unselected = _trained(seed, "unselected", (UNSELECTED,))
    pairs = paired(selected, unselected)
    curve = [_judged(moment, pairs[moment], seed) for moment in thinned(list(pairs), SHARES)]
    for moment in (*selected, *unselected):
        if moment.moves != curve[-1].steps:
            moment.checkpoint.unlink()
    return curve


def _trained(seed: int, name: str, overrides: Sequence[str]) -> Sequence[Moment]:
    folder = OUT / str(seed) / name
    shutil.rmtree(folder, ignore_errors=True)
    return train(PRESET, folder, SECONDS, EVERY, (*SETTINGS, *overrides, f"seed={seed}"))


def _judged(selected: Moment, unselected: Moment, seed: int) -> Judged:
    from benchmarks.training.foraging_judge import People, delivered  # JAX

    evolved, aimless = People.read(selected.checkpoint), People.read(unselected.checkpoint)
    each = evolved, evolved.shared, aimless, evolved.random
    arms = Arms(*(delivered(people, seed) for people in each))
    return Judged(selected.seconds, selected.moves, arms)


def paired(first: Sequence[Moment], second: Sequence[Moment]) -> dict[Moment, Moment]:
    """Moments of the first course, with those of the second at the same steps."""
    there = {moment.moves: moment for moment in second}
    return {moment: there[moment.moves] for moment in first if moment.moves in there}

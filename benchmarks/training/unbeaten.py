"""When the preset `tictactoe` no longer loses any game that there is, in either seat."""

import tempfile
from functools import partial
from pathlib import Path
from typing import NamedTuple

from benchmarks.measure import Row
from benchmarks.training.choosers import Chooser
from benchmarks.training.course import Moment, train
from benchmarks.training.tictactoe import lost_lines

SECONDS, STRETCH = 90.0, 30.0
EVERY = 20_000  # moves between checkpoints
SIMULATIONS = 32


class Lost(NamedTuple):
    """Games lost, of all there are, by what was trained for so many seconds."""

    seconds: float
    alone: int
    exported: int


def tictactoe() -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        course = train("tictactoe", Path(folder) / "run", SECONDS, EVERY, ("device=cpu",))
        lost = [_lost(moment) for moment in course]
    end = lost[-1]
    what = f"tictactoe, {end.seconds:.0f} s, of all games"
    when = {
        "network alone": settled([(each.seconds, each.alone) for each in lost]),
        f"{SIMULATIONS} simulations": settled([(each.seconds, each.exported) for each in lost]),
    }
    return [
        Row(f"{what}, network alone", f"loses {end.alone}", ""),
        Row(f"{what}, {SIMULATIONS} simulations", f"loses {end.exported}", "0", end.exported == 0),
        *(
            Row(
                f"tictactoe, loses no game from then on, {how}",
                f"{seconds:.0f} s" if seconds < end.seconds else "not yet",
                f"better {STRETCH:g} s",
            )
            for how, seconds in when.items()
        ),
    ]


def settled(course: list[tuple[float, int]]) -> float:
    """The first of these (seconds, games lost) from which on none is lost; infinite without."""
    since = float("inf")
    for seconds, lost in reversed(course):
        if lost:
            break
        since = seconds
    return since


def _lost(moment: Moment) -> Lost:
    chooser = Chooser.read(moment.checkpoint)
    ways = chooser.alone, partial(chooser.exported, simulations=SIMULATIONS)
    return Lost(moment.seconds, *(len(lost_lines(choose)) for choose in ways))

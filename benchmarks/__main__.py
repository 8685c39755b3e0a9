"""Prints the table of ratios; exits with 1 when one of them does not hold."""

import argparse
import sys
from collections.abc import Callable

from benchmarks import bridge
from benchmarks.boxes import boxes
from benchmarks.engine import engine
from benchmarks.ladder.figures import long_table
from benchmarks.ladder.short import short_table
from benchmarks.leaderboard import crowded_leaderboard
from benchmarks.measure import Row, table
from benchmarks.rebuild import disqualify_and_rebuild
from benchmarks.road import matches_a_second, upload_to_rating
from benchmarks.site import running_site
from benchmarks.training import short
from benchmarks.training.foraging import foraging
from benchmarks.training.foraging_long import long_table as foraging_long
from benchmarks.training.strength import strength


def site() -> list[Row]:
    with running_site() as league:
        # The last one disqualifies in the crowd that the one before it has made.
        parts = (upload_to_rating, matches_a_second, crowded_leaderboard, disqualify_and_rebuild)
        return [row for part in parts for row in part(league)]


PARTS: dict[str, Callable[[], list[Row]]] = {
    "engine": engine,
    "boxes": boxes,
    "ladder": short_table,
    "bridge": bridge.kernels,
    "site": site,
    "training": short.short_table,
    "foraging": foraging,
}
LONG: dict[str, Callable[[int], list[Row]]] = {
    "ladder": long_table,
    "bridge": bridge.button,
    "training": strength,
    "foraging": foraging_long,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", choices=PARTS, help="one part alone")
    parser.add_argument("--long", choices=LONG, help="one that takes longer, instead of them")
    parser.add_argument("--processes", type=int, default=1, help="of the long one (default 1)")
    options = parser.parse_args()
    if options.long:
        rows = LONG[options.long](options.processes)
    else:
        # One after the other: the league's processes would slow down what the engine is timed at.
        parts = [PARTS[options.only]] if options.only else list(PARTS.values())
        rows = [row for part in parts for row in part()]
    print(table(rows))
    return int(any(row.holds is False for row in rows))


if __name__ == "__main__":
    sys.exit(main())

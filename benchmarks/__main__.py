"""Prints the table of ratios; exits with 1 when one of them does not hold."""

import argparse
import sys
from collections.abc import Callable

from benchmarks.boxes import boxes
from benchmarks.engine import engine
from benchmarks.leaderboard import crowded_leaderboard
from benchmarks.measure import Row, table
from benchmarks.road import matches_a_second, upload_to_rating
from benchmarks.site import running_site


def site() -> list[Row]:
    with running_site() as league:
        parts = (upload_to_rating, matches_a_second, crowded_leaderboard)
        return [row for part in parts for row in part(league)]


PARTS: dict[str, Callable[[], list[Row]]] = {"engine": engine, "boxes": boxes, "site": site}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", choices=PARTS, help="one part alone")
    parser.add_argument("--long", metavar="NAME", help="one that takes longer; there is none yet")
    options = parser.parse_args()
    if options.long:
        parser.error(f"there is no long benchmark named {options.long!r} yet")
    # One after the other: the league's processes would slow down what the engine is timed at.
    parts = [PARTS[options.only]] if options.only else list(PARTS.values())
    rows = [row for part in parts for row in part()]
    print(table(rows))
    return int(any(row.holds is False for row in rows))


if __name__ == "__main__":
    sys.exit(main())

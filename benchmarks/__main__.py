"""Prints the table of ratios; exits with 1 when one of them does not hold."""

import argparse
import sys

from benchmarks.leaderboard import crowded_leaderboard
from benchmarks.measure import Row, table
from benchmarks.road import matches_a_second, upload_to_rating
from benchmarks.site import running_site


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--long", metavar="NAME", help="one that takes longer; there is none yet")
    name = parser.parse_args().long
    if name:
        parser.error(f"there is no long benchmark named {name!r} yet")
    rows: list[Row] = []
    with running_site() as site:
        for part in (upload_to_rating, matches_a_second, crowded_leaderboard):
            rows += part(site)
    print(table(rows))
    return int(any(row.holds is False for row in rows))


if __name__ == "__main__":
    sys.exit(main())

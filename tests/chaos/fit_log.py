"""Run as a process: fits an episode log that it reads as JSON, and prints the ratings."""

import json
import sys

from evaluation.ladder.fit import count_pairs, fit


def main() -> None:
    log = json.load(sys.stdin)
    found = fit(count_pairs(log["rows"]), log["entrants"], anchor=log["anchor"])
    print(json.dumps({entrant: rating.elo for entrant, rating in found.ratings.items()}))


if __name__ == "__main__":
    main()

"""From an episode log to pair counts, which are all that a fit needs to know of it."""

import hashlib
from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Entrant = Any  # an id that hashes and sorts; all ids of a ladder are of one type
Floats = NDArray[np.float64]
Indexes = NDArray[np.int64]
CountRow = tuple[Entrant, Entrant, float, float, float]

OUTCOMES = {1.0: (1, 0, 0), 0.5: (0, 1, 0), 0.0: (0, 0, 1)}  # score of the first entrant


class LogRow(NamedTuple):
    """One rated result between two entrants; a plain tuple of the first six fields does as well."""

    episode_id: Hashable
    first: Entrant
    second: Entrant
    score_of_first: float
    crashed: bool = False
    key: int | None = None
    weight: float = 1.0


@dataclass(frozen=True, eq=False)
class PairCounts:
    """Wins, draws and losses of the first entrant per ordered (first, second), in canonical form.

    `entrants` is sorted and holds only who played; each pair occurs once, in sorted order, and is
    not empty: so equal logs give equal arrays. first, second: [P] places in `entrants`;
    results: [3, P].
    """

    entrants: tuple[Entrant, ...]
    first: Indexes
    second: Indexes
    results: Floats

    @classmethod
    def from_counts(cls, rows: Iterable[CountRow]) -> "PairCounts":
        """Counts from rows (first, second, wins, draws, losses); rows of one pair are added."""
        columns = list(zip(*rows, strict=True)) or [()] * 5
        entrants = sorted({*columns[0], *columns[1]})
        first, second = _places(columns[0], entrants), _places(columns[1], entrants)
        results = np.array(columns[2:], dtype=np.float64)
        return _canonical(entrants, first, second, results)

    def __add__(self, other: "PairCounts") -> "PairCounts":
        entrants = sorted({*self.entrants, *other.entrants})
        mine, theirs = _places(self.entrants, entrants), _places(other.entrants, entrants)
        return _canonical(
            entrants,
            np.concatenate([mine[self.first], theirs[other.first]]),
            np.concatenate([mine[self.second], theirs[other.second]]),
            np.concatenate([self.results, other.results], axis=1),
        )

    def among(self, entrants: Collection[Entrant]) -> "PairCounts":
        """Only what these entrants played against each other (the rest is disqualified)."""
        wanted = set(entrants)
        kept = np.array([entrant in wanted for entrant in self.entrants], dtype=bool)
        if kept.all():
            return self
        rows = kept[self.first] & kept[self.second]
        return _canonical(self.entrants, self.first[rows], self.second[rows], self.results[:, rows])

    def rows(self) -> Iterator[CountRow]:
        for first, second, counts in zip(self.first, self.second, self.results.T, strict=True):
            wins, draws, losses = counts.tolist()
            yield self.entrants[first], self.entrants[second], wins, draws, losses

    @cached_property
    def data_hash(self) -> str:
        """SHA-256 of the canonical counts: equal for equal data, in whatever order it came."""
        digest = hashlib.sha256(repr(self.entrants).encode())
        for column in (self.first, self.second, self.results):
            digest.update(column.astype(column.dtype.newbyteorder("<"), copy=False).tobytes())
        return digest.hexdigest()


def count_pairs(log_rows: Iterable[LogRow | tuple[Any, ...]]) -> PairCounts:
    """Counts of a log; a row whose episode id was seen before is a repeat and is dropped.

    Equal results are tallied as whole numbers before they are weighted, so that the order of the
    log leaves no trace in the sums.
    """
    seen: set[Hashable] = set()
    tally: Counter[tuple[Entrant, Entrant, float, float]] = Counter()
    for row in log_rows:
        if row[0] in seen:
            continue
        seen.add(row[0])
        tally[row[1], row[2], row[3], row[6] if len(row) > 6 else 1.0] += 1
    return PairCounts.from_counts(
        (first, second, *(count * weight * part for part in _outcome(score)))
        for (first, second, score, weight), count in tally.items()
    )


def episode_rows(
    episode_id: Hashable,
    entrants: Sequence[Entrant],
    rewards: Sequence[float],
    crashed: bool = False,
    key: int | None = None,
) -> list[LogRow]:
    """The log rows of an episode of m entrants in seat order: m(m-1)/2 rows of weight 2/m.

    The higher reward wins its pair. Two entrants give one row of weight 1 under the episode's own
    id; more give rows whose ids name the seats too.
    """
    if len(entrants) != len(rewards):
        raise ValueError("an episode needs one reward for each of its entrants")
    rows = []
    for a, b in combinations(range(len(entrants)), 2):
        row_id = episode_id if len(entrants) == 2 else (episode_id, a, b)
        score = 0.5 + 0.5 * ((rewards[a] > rewards[b]) - (rewards[a] < rewards[b]))
        weight = 2 / len(entrants)
        rows.append(LogRow(row_id, entrants[a], entrants[b], score, crashed, key, weight))
    return rows


def _outcome(score: float) -> tuple[int, int, int]:
    if score not in OUTCOMES:
        raise ValueError(f"the score of an episode is 1, 0.5 or 0, not {score!r}")
    return OUTCOMES[score]


def _places(entrants: Sequence[Entrant], order: Sequence[Entrant]) -> Indexes:
    place = {entrant: index for index, entrant in enumerate(order)}
    return np.fromiter(map(place.__getitem__, entrants), dtype=np.int64, count=len(entrants))


def _canonical(
    entrants: Sequence[Entrant], first: Indexes, second: Indexes, results: Floats
) -> PairCounts:
    results = results.reshape(3, -1)
    if not (np.isfinite(results) & (results >= 0)).all():
        raise ValueError("counts of wins, draws and losses must be finite and not negative")
    told = (first != second) & results.any(axis=0)
    first, second, results = _merged(
        first[told], second[told], results[:, told], max(len(entrants), 1)
    )
    played = np.zeros(len(entrants), dtype=bool)
    played[first] = played[second] = True
    place = np.cumsum(played) - 1
    names = tuple(entrant for entrant, here in zip(entrants, played, strict=True) if here)
    return PairCounts(names, place[first], place[second], results)


def _merged(
    first: Indexes, second: Indexes, results: Floats, size: int
) -> tuple[Indexes, Indexes, Floats]:
    """Rows sorted by pair, those of one pair added up in the order of their values."""
    key = first * size + second
    if not (np.diff(key) > 0).all():
        order = np.lexsort((*results, key))
        key, results = key[order], results[:, order]
        starts = np.flatnonzero(np.diff(key, prepend=-1))
        key, results = key[starts], np.add.reduceat(results, starts, axis=1)
    return key // size, key % size, results

"""The results of a ladder as a fit reads them: arrays over the pairs that have met."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from evaluation.ladder.counts import Entrant, Floats, Indexes, PairCounts


@dataclass(frozen=True, eq=False)
class Games:
    """All results per unordered pair, seen from `low`: rows are low in the first, second seat.

    low, high: [P] places, low < high. wins, draws, losses: [2, P].
    """

    size: int
    low: Indexes
    high: Indexes
    wins: Floats
    draws: Floats
    losses: Floats

    @classmethod
    def of(cls, counts: PairCounts, order: Sequence[Entrant]) -> "Games":
        place = {entrant: index for index, entrant in enumerate(order)}
        places = np.array([place[entrant] for entrant in counts.entrants], dtype=np.int64)
        first, second = places[counts.first], places[counts.second]
        low, high, pair = _unordered(first, second, len(order))
        seat = (first > second).astype(np.int64)
        cell = seat * len(low) + pair
        table = np.zeros((3, 2 * len(low)))
        table[0, cell], table[1, cell], table[2, cell] = counts.results
        wins, draws, losses = table.reshape(3, 2, -1)
        wins[1], losses[1] = losses[1].copy(), wins[1].copy()
        return cls(len(order), low, high, wins, draws, losses)

    def net(self, values: Floats) -> Floats:
        """[N]: the sum of each entrant's pair values, taken negative where it is `high`."""
        low, high = self._sums(values)
        return low - high

    def gross(self, values: Floats) -> Floats:
        low, high = self._sums(values)
        return low + high

    def _sums(self, values: Floats) -> tuple[Floats, Floats]:
        """[N] each: the pair values that an entrant has as `low` and as `high`."""
        low = np.zeros(self.size)
        if len(values):
            low[self.low[self._starts]] = np.add.reduceat(values, self._starts)
        return low, np.bincount(self.high, values, self.size).astype(np.float64, copy=False)

    @cached_property
    def _starts(self) -> Indexes:
        """Where the pairs of each `low` begin: they are sorted by it."""
        return np.flatnonzero(np.diff(self.low, prepend=-1))

    @cached_property
    def episodes(self) -> Floats:
        """[P]: the episodes of each pair."""
        return np.asarray((self.wins + self.draws + self.losses).sum(axis=0))

    def gaps(self, strengths: Floats) -> Floats:
        return np.asarray(strengths[self.low] - strengths[self.high])


def _unordered(first: Indexes, second: Indexes, size: int) -> tuple[Indexes, Indexes, Indexes]:
    """The pairs (low, high) that occur, sorted, and the place among them of each given pair."""
    keys = np.minimum(first, second) * size + np.maximum(first, second)
    occurs = np.zeros(size * size, dtype=bool)
    occurs[keys] = True
    pairs = np.flatnonzero(occurs)
    low, high = np.divmod(pairs, max(size, 1))
    return low, high, (np.cumsum(occurs) - 1)[keys]

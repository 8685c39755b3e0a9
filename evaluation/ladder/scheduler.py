"""Ways to choose the next pair: weigh every pair, or serve the least known entrant first."""

import math
import random
from typing import NamedTuple, Protocol

import numpy as np

from evaluation.ladder.counts import Floats, Indexes
from evaluation.ladder.field import Booleans, Field

FAR_SHARE = 0.1  # of the pairs are drawn from everybody, which keeps the scale of the ladder honest
MET_DISCOUNT = 0.1  # an episode is worth 1 / (1 + 0.1 x episodes that the two have played)
PLANNED_DISCOUNT = 0.9  # and this for each one that is planned or in flight

EVERY_PAIR_BELOW = 500  # entrants; from there on each one's nearest and some random others
NEAREST, OTHERS = 24, 8
SIMPLE_ABOVE = 2000  # entrants; from there on `_SimpleScheduler`, at O(N) a pair
SIMPLE_REACH = 150.0  # Elo points


class Pick(NamedTuple):
    """Two places of the field; far: drawn from everybody, whatever their gap."""

    a: int
    b: int
    far: bool


class Scheduler(Protocol):
    def play(self, a: int, b: int) -> None:
        """Count a match of the two as played."""

    def best(self) -> Pick | None:
        """The next pair to play, or None where nobody who wants has an opponent."""


def scheduler_of(
    field: Field,
    covariance: Floats | None,
    boundary: Floats,
    cut_weight: float,
    rng: random.Random,
) -> Scheduler:
    if len(field) > SIMPLE_ABOVE:
        return _SimpleScheduler(field, rng)
    return _NearScheduler(field, _current(field, covariance), boundary, cut_weight, rng)


def _current(field: Field, covariance: Floats | None) -> Floats:
    """The covariance, scaled to the candidates' errors, which quick steps may have made smaller."""
    if covariance is None:
        return np.diag(field.variances())
    if covariance.shape != (len(field), len(field)):
        raise ValueError("the covariance needs one row and one column for each candidate")
    scale = np.sqrt(field.variances() / covariance.diagonal().clip(1e-9))
    return np.asarray(covariance * scale[:, None] * scale[None, :])


class _NearScheduler:
    """Takes the pair with the largest information x variance x closeness x boundary weight.

    A far pair is drawn in proportion to information x variance alone. A planned match shrinks the
    covariance as if it had been played, C -= a a' with a = sqrt(w / (1 + w V)) (C_i - C_j): the
    vectors a are kept instead of updating C.
    """

    def __init__(
        self,
        field: Field,
        covariance: Floats,
        boundary: Floats,
        cut_weight: float,
        rng: random.Random,
    ) -> None:
        self.field, self.rng = field, rng
        self.covariance = covariance
        self.low, self.high, self.far = _pair_list(field, rng)
        self.elos = field.elos()
        gaps = self.elos[self.low] - self.elos[self.high]
        self.quarter_gaps = gaps**2 / 4
        costs = field.costs()
        self.worth = field.information(gaps) / (1 + MET_DISCOUNT * self._met())
        self.worth /= costs[self.low] + costs[self.high]
        self.boundary = 1 + cut_weight * boundary[self.low] * boundary[self.high]
        variances = covariance.diagonal()
        self.variance = variances[self.low] + variances[self.high]
        self.variance -= 2 * covariance[self.low, self.high]
        self.played: list[Floats] = []

    def play(self, a: int, b: int) -> None:
        spread = self.covariance[a] - self.covariance[b]
        for vector in self.played:
            spread = spread - vector * (vector[a] - vector[b])
        information = float(self.field.information(self.elos[a] - self.elos[b]))
        gain = information / (1 + information * max(spread[a] - spread[b], 0.0))
        vector = spread * math.sqrt(gain)
        self.played.append(vector)
        self.variance -= (vector[self.low] - vector[self.high]) ** 2
        same = (self.low == min(a, b)) & (self.high == max(a, b))
        self.worth[same] *= PLANNED_DISCOUNT**self.field.episodes

    def best(self) -> Pick | None:
        if not len(self.low):
            return None
        variance = np.maximum(self.variance, 1e-9)
        score = self.worth * variance
        far = self.rng.random() < FAR_SHARE and bool(self.far.any())
        if far:
            place = _drawn(score * self.far, self.rng)
        else:
            place = int((score * self.boundary * np.exp(-self.quarter_gaps / variance)).argmax())
        return Pick(int(self.low[place]), int(self.high[place]), far)

    def _met(self) -> Floats:
        played = self.field.episodes_met()
        if not played:
            return np.zeros(len(self.low))
        pairs = zip(self.low.tolist(), self.high.tolist(), strict=True)
        return np.array([played.get(pair, 0.0) for pair in pairs])


class _SimpleScheduler:
    """Serves the largest variance first, with an opponent drawn by closeness, at O(N) a pair."""

    def __init__(self, field: Field, rng: random.Random) -> None:
        self.field, self.rng = field, rng
        self.elos, self.variance = field.elos(), field.variances()
        self.teams, self.costs = field.teams(), field.costs()
        self.waiting = field.wants()
        self.met: list[dict[int, float]] = [{} for _ in range(len(field))]
        for (a, b), episodes in field.episodes_met().items():
            self.met[a][b] = self.met[b][a] = episodes

    def play(self, a: int, b: int) -> None:
        information = float(self.field.information(self.elos[a] - self.elos[b]))
        both = [a, b]
        known = 1 + information * self.variance[both].sum()
        self.variance[both] -= information * self.variance[both] ** 2 / known
        self.met[a][b] = self.met[b][a] = self.met[a].get(b, 0.0) + self.field.episodes

    def best(self) -> Pick | None:
        while self.waiting.any():
            a = int(np.where(self.waiting, self.variance / self.costs, -1.0).argmax())
            allowed = self.teams != self.teams[a]
            if allowed.any():
                return self._against(a, allowed)
            self.waiting[a] = False
        return None

    def _against(self, a: int, allowed: Booleans) -> Pick:
        weight = allowed / (self.costs[a] + self.costs)
        far = self.rng.random() < FAR_SHARE
        if not far:
            squares = ((self.elos - self.elos[a]) / SIMPLE_REACH) ** 2 / 2
            weight *= np.exp(squares[allowed].min() - squares)
            for b, episodes in self.met[a].items():
                weight[b] /= 1 + MET_DISCOUNT * episodes
        return Pick(a, _drawn(weight, self.rng), far)


def _drawn(weights: Floats, rng: random.Random) -> int:
    """A place drawn with a chance in proportion to its weight; at least one weight is above 0."""
    sums = weights.cumsum()
    place = int(np.searchsorted(sums, rng.random() * sums[-1], side="right"))
    return min(place, int(np.flatnonzero(weights)[-1]))


def _pair_list(field: Field, rng: random.Random) -> tuple[Indexes, Indexes, Booleans]:
    """The pairs to choose from, lower place first, and which of them serve as far pairs."""
    if len(field) < EVERY_PAIR_BELOW:
        low, high = np.triu_indices(len(field), 1)
        far = np.ones(len(low), dtype=bool)
    else:
        low, high, far = _some_pairs(field, rng)
    teams, wants = field.teams(), field.wants()
    kept = (teams[low] != teams[high]) & (wants[low] | wants[high])
    return low[kept], high[kept], far[kept]


def _some_pairs(field: Field, rng: random.Random) -> tuple[Indexes, Indexes, Booleans]:
    """At least each one's nearest NEAREST by rating, and OTHERS random ones for each that wants."""
    size, by_elo = len(field), np.argsort(field.elos(), kind="stable")
    near = [(by_elo[:-step], by_elo[step:]) for step in range(1, NEAREST + 1)]
    wanting = np.repeat(np.flatnonzero(field.wants()), OTHERS)
    generator = np.random.default_rng(rng.getrandbits(64))
    others = (wanting + generator.integers(1, size, len(wanting))) % size
    near_keys = np.concatenate([_key(a, b, size) for a, b in near])
    far_keys = _key(wanting, others, size)
    keys = np.union1d(near_keys, far_keys)
    return keys // size, keys % size, np.isin(keys, far_keys)


def _key(a: Indexes, b: Indexes, size: int) -> Indexes:
    return np.asarray(np.minimum(a, b) * size + np.maximum(a, b))

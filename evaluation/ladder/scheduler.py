"""Ways to choose the next pair: weigh every pair, or serve the least known entrant first."""

import math
import random
from typing import NamedTuple, Protocol

import numpy as np

from evaluation.ladder.counts import Floats, Indexes
from evaluation.ladder.field import Booleans, Field

FAR_SHARE = 0.1  # of the pairs are drawn from everybody, which keeps the scale of the ladder honest
BEHIND_SHARE = 0.1  # of the others go to who has had the least time, so that nobody is left out
CUT_SCALE = 3.0  # how much a cut weight of 1 adds to the doubt between two right at the cut
PRICE_POWER = 1.5  # what a match is worth falls like its number^-1.5: all get the same time
MET_DISCOUNT = 0.1  # an episode is worth 1 / (1 + 0.1 x episodes of the two, played or planned)

EVERY_PAIR_BELOW = 300  # entrants; from there on each one's nearest and some random others
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
    if covariance is not None and covariance.shape != (len(field), len(field)):
        raise ValueError("the covariance needs one row and one column for each candidate")
    if len(field) > SIMPLE_ABOVE:
        return _SimpleScheduler(field, rng)
    return _DoubtScheduler(field, covariance, boundary, cut_weight, rng)


class _DoubtScheduler:
    """Takes the pair whose match lowers the doubt of the whole table most for its cost.

    The doubt is the sum of the variances of all gaps, x' L x on average, each weighted by how
    likely the two are to be level; L is the Laplacian of these weights. A match of information w
    between i and j lowers it by w D / (1 + w V), with u = C_i - C_j, V = u_i - u_j and D = u' L u,
    and C by v v' with v = u sqrt(w / (1 + w V)).
    """

    def __init__(
        self,
        field: Field,
        covariance: Floats | None,
        boundary: Floats,
        cut_weight: float,
        rng: random.Random,
    ) -> None:
        self.field, self.rng = field, rng
        self.low, self.high, self.far = _pair_list(field, rng)
        self.elos, costs = field.elos(), field.costs()
        self.price = (costs[self.low] + costs[self.high]) ** PRICE_POWER
        self.covariance = _current(field, covariance)
        self.product = np.empty_like(self.covariance)  # room for that of two vectors
        openness = _openness(self.elos, self.covariance, boundary, cut_weight)
        self.laplacian = np.diag(openness.sum(axis=1)) - openness
        if covariance is None:
            spread = field.variances()
            doubt = spread[:, None] * self.laplacian * spread
        else:
            doubt = self.covariance @ self.laplacian @ self.covariance
        self.doubt, self.variance = self._of_pairs(doubt), self._of_pairs(self.covariance)
        self.information = field.information(self.elos[self.low] - self.elos[self.high])
        self.met = self._met()
        self.costs, self.time = costs, field.matches() * costs
        self.time[self._idle()] = math.inf

    def play(self, a: int, b: int) -> None:
        spread = self.covariance[a] - self.covariance[b]
        information = float(self.field.information(self.elos[a] - self.elos[b]))
        gain = information / (1 + information * max(spread[a] - spread[b], 0.0))
        vector = spread * math.sqrt(gain)
        weighed = self.laplacian @ vector
        moved = self.covariance @ weighed
        step = vector[self.low] - vector[self.high]
        self.doubt += step * (step * (vector @ weighed) - 2 * (moved[self.low] - moved[self.high]))
        self.variance -= step**2
        np.multiply(vector[:, None], vector, out=self.product)
        self.covariance -= self.product
        self.met[(self.low == min(a, b)) & (self.high == max(a, b))] += self.field.episodes
        self.time[[a, b]] += self.costs[[a, b]]

    def best(self) -> Pick | None:
        if not len(self.low):
            return None
        far = self.rng.random() < FAR_SHARE and bool(self.far.any())
        variance = np.maximum(self.variance, 1e-9)
        worth = self.information / (self.price * (1 + MET_DISCOUNT * self.met))
        if far:
            place = _drawn(worth * variance * self.far, self.rng)
        else:
            worth *= self.doubt / (1 + self.information * variance)
            if self.rng.random() < BEHIND_SHARE:
                last = int(self.time.argmin())
                worth[(self.low != last) & (self.high != last)] = -math.inf
            place = int(worth.argmax())
        return Pick(int(self.low[place]), int(self.high[place]), far)

    def _idle(self) -> Booleans:
        """Who has no pair or wants none, and so cannot be the one that has waited longest."""
        paired = np.zeros(len(self.field), dtype=bool)
        paired[self.low] = paired[self.high] = True
        return np.asarray(~(paired & self.field.wants()))

    def _of_pairs(self, matrix: Floats) -> Floats:
        """(e_i - e_j)' M (e_i - e_j) of each pair."""
        own = matrix.diagonal()
        return np.asarray(own[self.low] + own[self.high] - 2 * matrix[self.low, self.high])

    def _met(self) -> Floats:
        """[P]: the episodes of each pair."""
        met = np.zeros((len(self.field), len(self.field)))
        a, b, episodes = self.field.met_pairs()
        np.add.at(met, (np.minimum(a, b), np.maximum(a, b)), episodes)
        return np.asarray(met[self.low, self.high])


def _current(field: Field, covariance: Floats | None) -> Floats:
    """The covariance, scaled to the candidates' errors, which quick steps may have made smaller."""
    if covariance is None:
        return np.diag(field.variances())
    scale = np.sqrt(field.variances() / covariance.diagonal().clip(1e-9))
    return np.asarray(covariance * scale[:, None] * scale[None, :])


def _openness(elos: Floats, covariance: Floats, boundary: Floats, cut_weight: float) -> Floats:
    """[N, N]: the density at 0 of each gap, times 1 + 3 x cut weight x both boundary weights."""
    own = covariance.diagonal()
    variance = (own[:, None] + own[None, :] - 2 * covariance).clip(1.0)
    gaps = elos[:, None] - elos[None, :]
    density = np.exp(-(gaps**2) / (2 * variance)) / np.sqrt(variance)
    openness = density * (1 + CUT_SCALE * cut_weight * np.outer(boundary, boundary))
    np.fill_diagonal(openness, 0.0)
    return np.asarray(openness)


class _SimpleScheduler:
    """Serves the largest variance first, with an opponent drawn by closeness, at O(N) a pair."""

    def __init__(self, field: Field, rng: random.Random) -> None:
        self.field, self.rng = field, rng
        self.elos, self.variance = field.elos(), field.variances()
        self.teams, self.costs = field.teams(), field.costs()
        self.waiting = field.wants()
        self.time = field.matches() * self.costs
        self.met: list[dict[int, float]] = [{} for _ in range(len(field))]
        for a, b, episodes in zip(*(column.tolist() for column in field.met_pairs()), strict=True):
            self._meet(a, b, episodes)

    def play(self, a: int, b: int) -> None:
        information = float(self.field.information(self.elos[a] - self.elos[b]))
        both = [a, b]
        known = 1 + information * self.variance[both].sum()
        self.variance[both] -= information * self.variance[both] ** 2 / known
        self.time[both] += self.costs[both]
        self._meet(a, b, self.field.episodes)

    def best(self) -> Pick | None:
        while self.waiting.any():
            behind = self.rng.random() < BEHIND_SHARE
            urgency = -self.time if behind else self.variance / self.costs
            a = int(np.where(self.waiting, urgency, -math.inf).argmax())
            allowed = self.teams != self.teams[a]
            if allowed.any():
                return self._against(a, allowed)
            self.waiting[a] = False
        return None

    def _meet(self, a: int, b: int, episodes: float) -> None:
        self.met[a][b] = self.met[b][a] = self.met[a].get(b, 0.0) + episodes

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

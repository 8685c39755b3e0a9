"""The rival: a ladder like Kaggle's, as far as that is public (the constants are assumptions).

Skills start at N(600, 200^2); after each episode an online step of TrueSkill with draws (Herbrich,
Minka and Graepel 2006); opponents are drawn by rating distance, newcomers play four times as often.
"""

import math
from statistics import NormalDist

import numpy as np

from benchmarks.ladder.world import Floats, Indexes, World

START, START_SPREAD = 600.0, 200.0
BETA, TAU = 100.0, 2.0
REACH = 200.0
NEWCOMER_EPISODES, NEWCOMER_WEIGHT = 20, 4.0
DRAW_MARGIN = NormalDist().inv_cdf(0.6) * math.sqrt(2) * BETA  # 20 % draws between equals


class KaggleLike:
    def __init__(self, world: World, teams: Indexes, rng: np.random.Generator) -> None:
        self.world, self.teams, self.rng = world, teams, rng
        self.means = np.full(len(world), START)
        self.variances = np.full(len(world), START_SPREAD**2)
        self.played = np.zeros(len(world), dtype=np.int64)
        self.active = np.arange(len(world))

    def admit(self, active: Indexes) -> None:
        self.active = active

    def run(self, episodes: int) -> None:
        seeds = self.world.seeds(episodes, self.rng)
        for seed in seeds:
            pair = self._pair()
            score = self.world.play(pair[:1], pair[1:], np.array([seed]), self.rng)[0]
            self._step(int(pair[0]), int(pair[1]), float(score))

    def ratings(self) -> tuple[Floats, Floats]:
        return self.means[self.active], np.sqrt(self.variances[self.active])

    def _pair(self) -> Indexes:
        new = self.played[self.active] < NEWCOMER_EPISODES
        one = self._drawn(np.where(new, NEWCOMER_WEIGHT, 1.0))
        distances = (self.means[self.active] - self.means[one]) / REACH
        weights = np.exp(-(distances**2) / 2) * (self.teams[self.active] != self.teams[one])
        pair = np.array([one, self._drawn(weights)])
        return pair if self.rng.random() < 0.5 else pair[::-1]

    def _drawn(self, weights: Floats) -> int:
        sums = weights.cumsum()
        return int(self.active[np.searchsorted(sums, self.rng.random() * sums[-1], "right")])

    def _step(self, first: int, second: int, score: float) -> None:
        self.variances[[first, second]] += TAU**2
        a, b = (first, second) if score >= 0.5 else (second, first)
        scale = math.sqrt(2 * BETA**2 + self.variances[a] + self.variances[b])
        gap = (self.means[a] - self.means[b]) / scale
        value, weight = (_drawn if score == 0.5 else _won)(gap, DRAW_MARGIN / scale)
        for agent, sign in ((a, 1), (b, -1)):
            variance = self.variances[agent]
            self.means[agent] += sign * variance / scale * value
            self.variances[agent] = variance * (1 - variance / scale**2 * weight)
            self.played[agent] += 1


def _density(x: float) -> float:
    return math.exp(-x * x / 2) / math.sqrt(2 * math.pi)


def _below(x: float) -> float:
    return math.erfc(-x / math.sqrt(2)) / 2


def _won(gap: float, margin: float) -> tuple[float, float]:
    """The mean and the variance that a win takes, in units of the scale."""
    x = gap - margin
    value = _density(x) / max(_below(x), 1e-300) if x > -30 else -x
    return value, min(value * (value + x), 1.0)


def _drawn(gap: float, margin: float) -> tuple[float, float]:
    high, low = margin - gap, -margin - gap
    chance = max(_below(high) - _below(low), 1e-300)
    value = (_density(low) - _density(high)) / chance
    return value, value**2 + (high * _density(high) - low * _density(low)) / chance

"""Agents with a known truth: who is how strong, who suits whom, who crashes, what luck does."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from evaluation.ladder.elo import POINT

Floats = NDArray[np.float64]
Indexes = NDArray[np.int64]

SPREAD = 250.0  # Elo points, as everything here that is no share
VERY_STRONG, ABOVE, BEYOND = 0.03, 450.0, 100.0
CLUSTERED, DUPLICATES = 0.3, (3, 6)
DUPLICATE_SPREAD = 10.0
SEAT, QUIRK = 60.0, 40.0
DRAW = 0.5  # Davidson's nu: 20 % between equals
CRASHERS, CRASHES = 0.1, 0.1
LUCK_NODES = 21


@dataclass(frozen=True, eq=False)
class World:
    """Agents 0..N-1 in the order of their arrival.

    quirks: [N, N], what the first has over the second beyond their strengths. crashes: the chance
    of each to crash in an episode. luck: the spread of what a seed gives the first seat.
    """

    strengths: Floats
    quirks: Floats
    crashes: Floats
    luck: float

    @classmethod
    def drawn(
        cls, size: int, rng: np.random.Generator, *, luck: float = 100.0, progress: float = 0.0
    ) -> "World":
        """progress: how much better the last agent to arrive is than the first, on average."""
        strengths = np.fromiter(_strengths(rng), np.float64, size)
        strengths += np.linspace(0.0, progress, size)
        quirks = np.triu(rng.normal(0.0, QUIRK, (size, size)), 1)
        crashes = np.where(rng.random(size) < CRASHERS, CRASHES, 0.0)
        return cls(strengths, quirks - quirks.T, crashes, luck)

    def __len__(self) -> int:
        return len(self.strengths)

    def seeds(self, count: int, rng: np.random.Generator) -> Floats:
        """What the seeds of so many episodes give to the first seat."""
        return rng.normal(0.0, self.luck, count)

    def play(
        self, first: Indexes, second: Indexes, seeds: Floats, rng: np.random.Generator
    ) -> Floats:
        """The scores of the first: 1, 0.5 or 0."""
        gaps = self.strengths[first] - self.strengths[second] + self.quirks[first, second]
        win, draw, _ = _chances(gaps + SEAT + seeds)
        place = rng.random(len(first))
        scores = np.where(place < win, 1.0, np.where(place < win + draw, 0.5, 0.0))
        down, up = (rng.random((2, len(first))) < [self.crashes[first], self.crashes[second]])[:2]
        return np.where(down | up, 0.5 + 0.5 * up - 0.5 * down, scores)

    @cached_property
    def outcomes(self) -> Floats:
        """[3, N, N]: how often the first wins, draws and loses in endless episodes."""
        gaps = self.strengths[:, None] - self.strengths[None, :] + self.quirks + SEAT
        nodes, weights = np.polynomial.hermite_e.hermegauss(LUCK_NODES)
        played = sum(
            weight * _chances(gaps + self.luck * node)
            for node, weight in zip(nodes, weights / weights.sum(), strict=True)
        )
        stays, falls = 1 - self.crashes, self.crashes
        outcomes = np.asarray(played * np.outer(stays, stays))
        outcomes[0] += np.outer(stays, falls)
        outcomes[1] += np.outer(falls, falls)
        outcomes[2] += np.outer(falls, stays)
        return outcomes

    def truth(self, agents: Indexes) -> Floats:
        """The ratings that an endless balanced round robin of these agents would give them.

        The maximum of Davidson's likelihood, with a seat advantage, about a mean of 0.
        """
        outcomes = self.outcomes[:, agents[:, None], agents[None, :]]
        outcomes[:, range(len(agents)), range(len(agents))] = 0.0
        point = np.zeros(len(agents) + 2)
        point[-1] = np.log(DRAW)
        for _ in range(50):
            step = _newton(outcomes, point)
            point += step
            if np.abs(step).max() < 1e-9:
                return np.asarray((point[:-2] - point[:-2].mean()) / POINT)
        raise ArithmeticError("the truth was not found")


def _strengths(rng: np.random.Generator) -> Iterator[float]:
    """Without end; near-duplicates follow each other, as copies of a public agent do."""
    mean_copies = sum(DUPLICATES) / 2
    start = CLUSTERED / (mean_copies * (1 - CLUSTERED) + CLUSTERED)
    while True:
        centre = rng.normal(0.0, SPREAD)
        if rng.random() < VERY_STRONG:
            centre = ABOVE + abs(rng.normal(0.0, BEYOND))
        if rng.random() < start:
            copies = int(rng.integers(DUPLICATES[0], DUPLICATES[1] + 1))
            yield from rng.normal(centre, DUPLICATE_SPREAD, copies)
        else:
            yield centre


def _chances(gaps: Floats) -> Floats:
    """[3, …]: win, draw and loss of the first (Davidson)."""
    half = np.exp(np.clip(gaps * POINT / 2, -50, 50))
    odds = np.stack([half, np.full_like(half, DRAW), 1 / half])
    return np.asarray(odds / odds.sum(axis=0))


def _newton(outcomes: Floats, point: Floats) -> Floats:
    """The step of (strengths, seat advantage, ln nu) towards the likeliest."""
    size = len(point) - 2
    half = (point[:size, None] - point[None, :size] + point[-2]) / 2
    odds = np.stack([np.exp(half), np.full_like(half, np.exp(point[-1])), np.exp(-half)])
    win, draw, loss = odds / odds.sum(axis=0) * outcomes.sum(axis=0).clip(1e-300)
    lead, ties = (outcomes[0] - outcomes[2] - win + loss) / 2, outcomes[1] - draw
    gap, both = draw * (1 - draw) / 4 + win * loss, draw * (loss - win) / 2
    slope = np.array([*(lead.sum(1) - lead.sum(0)), lead.sum(), ties.sum()])
    information = np.zeros((size + 2, size + 2))
    information[:size, :size] = -gap - gap.T + np.diag(gap.sum(1) + gap.sum(0)) + 1e-9
    for row, values in ((size, gap), (size + 1, both)):
        information[row, :size] = information[:size, row] = values.sum(1) - values.sum(0)
    information[size:, size:] = [[gap.sum(), both.sum()], [both.sum(), (draw * (1 - draw)).sum()]]
    return np.asarray(np.linalg.solve(information, slope))

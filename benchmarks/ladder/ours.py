"""Our ladder in a simulated league: the functions that schedule, step and rate in production."""

import random
from collections import Counter

import numpy as np

from benchmarks.ladder.world import Floats, Indexes, World
from evaluation.ladder.counts import PairCounts
from evaluation.ladder.elo import quick_step
from evaluation.ladder.fit import fit
from evaluation.ladder.pairing import Candidate, boundary_weights, choose_pairs, is_settled

AT_ONCE = 8  # matches, as a league with two workers keeps on their way; a large one has more
BATCHES_A_FIT = 2  # between two fits the ratings move by quick steps, as in a league that plays


class Ours:
    """paired: a match is two episodes on one seed, seats swapped. settles: whether who is known
    well enough stops asking for matches."""

    def __init__(
        self,
        world: World,
        teams: Indexes,
        rng: np.random.Generator,
        *,
        paired: bool = True,
        cut_weight: float = 3.0,
        settles: bool = True,
    ) -> None:
        self.world, self.teams, self.rng = world, teams, rng
        self.chance = random.Random(int(rng.integers(2**62)))
        self.episodes_a_match = 2 if paired else 1
        self.cut_weight, self.settles = cut_weight, settles
        self.counts = PairCounts.from_counts([])
        self.met: Counter[tuple[int, int]] = Counter()
        self.matches = np.zeros(len(world), dtype=np.int64)
        self.first_seats = np.zeros(len(world), dtype=np.int64)
        self.owed = 0
        self.fitted = fit(self.counts, [])
        self.admit(np.arange(len(world)))

    def admit(self, active: Indexes) -> None:
        self.active = active
        known = np.union1d(active, np.array(self.counts.entrants, dtype=np.int64))
        self.entrants = known.tolist()
        self._fit()

    def run(self, episodes: int) -> None:
        self.owed += episodes
        batches, at_once = 0, max(AT_ONCE, len(self.active) // 20)
        while self.owed >= self.episodes_a_match:
            planned = self._choose(min(at_once, self.owed // self.episodes_a_match))
            if not planned:
                self.owed = 0
                break
            self.owed -= len(planned) * self.episodes_a_match
            batches += 1
            self._play(planned, quick=bool(batches % BATCHES_A_FIT))
        self._fit()

    def ratings(self) -> tuple[Floats, Floats]:
        table = np.array([self.now[agent] for agent in self.active.tolist()])
        return table[:, 0], table[:, 1]

    def _fit(self) -> None:
        self.fitted = fit(
            self.counts, self.entrants, active=self.active.tolist(), start=self.fitted
        )
        self.now = dict(self.fitted.ratings)

    def _choose(self, n: int) -> list[tuple[int, int, int]]:
        active = self.active.tolist()
        boundary = boundary_weights([self.now[agent] for agent in active], 10)
        candidates = [
            self._candidate(agent, weight) for agent, weight in zip(active, boundary, strict=True)
        ]
        return choose_pairs(
            candidates,
            self.fitted.covariance_of(active),
            n,
            met=self.met,
            in_flight=(),
            rng=self.chance,
            cut_weight=self.cut_weight,
            paired_seats=self.episodes_a_match == 2,
        )

    def _candidate(self, agent: int, boundary: float) -> Candidate:
        rating, matches = self.now[agent], int(self.matches[agent])
        return Candidate(
            agent,
            int(self.teams[agent]),
            rating.elo,
            rating.se,
            matches,
            int(self.first_seats[agent]),
            not (self.settles and is_settled(rating, matches, boundary=boundary)),
        )

    def _play(self, planned: list[tuple[int, int, int]], quick: bool) -> None:
        first, second, _ = np.array(planned, dtype=np.int64).T
        seeds = self.world.seeds(len(planned), self.rng)
        seats = [(first, second), (second, first)][: self.episodes_a_match]
        for a, b in seats:
            scores = self.world.play(a, b, seeds, self.rng)
            self._count(a, b, scores)
            if quick:
                self._quick(a, b, scores)
        np.add.at(self.matches, np.concatenate([first, second]), 1)
        self.met.update((min(a, b), max(a, b)) for a, b, _ in planned)
        if not quick:
            self._fit()

    def _count(self, first: Indexes, second: Indexes, scores: Floats) -> None:
        rows = zip(first.tolist(), second.tolist(), scores.tolist(), strict=True)
        self.counts += PairCounts.from_counts(
            (a, b, float(score == 1), float(score == 0.5), float(score == 0))
            for a, b, score in rows
        )
        np.add.at(self.first_seats, first, 1)

    def _quick(self, first: Indexes, second: Indexes, scores: Floats) -> None:
        seat, draw = self.fitted.seat_advantage.elo, self.fitted.draw
        for a, b, score in zip(first.tolist(), second.tolist(), scores.tolist(), strict=True):
            self.now[a], self.now[b] = quick_step(self.now[a], self.now[b], score, seat, draw=draw)

"""Simulated leagues: everybody from the start, or agents that arrive and leave."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from benchmarks.ladder.measures import measured
from benchmarks.ladder.world import Floats, Indexes, World

TEAMS, ROUNDS = 50, 120
KEPT = 2  # newest agents of a team that play
LIFE = 22  # rounds between two agents of a team, on average
PROGRESS = 180.0  # Elo points from the first round to the last
FROM_ROUND = 10  # measures are averaged from here on


class Ladder(Protocol):
    def admit(self, active: Indexes) -> None:
        """From now on these agents play."""

    def run(self, episodes: int) -> None:
        """Play so many episodes and rate them."""

    def ratings(self) -> tuple[Floats, Floats]:
        """Ratings and standard errors of the active agents, in their order."""


def static(world: World, ladder: Ladder, marks: Sequence[float]) -> Floats:
    """[len(marks), 4]: the measures after so many episodes for each agent."""
    truth = world.truth(np.arange(len(world)))
    rows, played = [], 0
    for mark in marks:
        episodes = round(mark * len(world) / 2)
        ladder.run(episodes - played)
        played = episodes
        rows.append(measured(*ladder.ratings(), truth))
    return np.array(rows)


@dataclass(frozen=True, eq=False)
class Calendar:
    """Who arrives when: arrivals[agent] is its round, teams[agent] its team."""

    arrivals: Indexes
    teams: Indexes

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> "Calendar":
        comes = rng.random((ROUNDS, TEAMS)) < 1 / LIFE
        comes[0] = True
        arrivals, teams = np.nonzero(comes)
        order = np.lexsort((rng.random(len(teams)), arrivals))
        return cls(arrivals[order], teams[order])

    def active(self, number: int) -> Indexes:
        here = np.flatnonzero(self.arrivals <= number)
        newest = [here[self.teams[here] == team][-KEPT:] for team in range(TEAMS)]
        return np.sort(np.concatenate(newest))


def arriving(world: World, calendar: Calendar, ladder: Ladder, budget: float) -> Floats:
    """[4]: the measures on average over time; budget: episodes a round for every two agents."""
    rows, owed = [], 0.0
    for number in range(ROUNDS):
        active = calendar.active(number)
        ladder.admit(active)
        owed += budget * len(active) / 2
        ladder.run(int(owed))
        owed -= int(owed)
        if number >= FROM_ROUND:
            rows.append(measured(*ladder.ratings(), world.truth(active)))
    return np.asarray(np.mean(rows, axis=0))

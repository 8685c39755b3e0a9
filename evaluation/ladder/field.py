"""The field that a scheduler chooses from: its candidates as arrays, and who sits first."""

import random
from collections import defaultdict, deque
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluation.ladder.counts import Entrant, Floats, Indexes
from evaluation.ladder.elo import POINT

Booleans = NDArray[np.bool_]

DRAW = 0.5  # Davidson's nu that the information of an episode is judged by


@dataclass(frozen=True)
class Candidate:
    """An entrant as the scheduler sees it; one that does not want may still be an opponent.

    matches: played so far. first_seats: the episodes of these in which it sat first. cost: seconds
    that it takes itself in a match, or anything in proportion to them.
    """

    entrant: Entrant
    team: Hashable
    elo: float
    se: float
    matches: int = 0
    first_seats: int = 0
    wants: bool = True
    cost: float = 1.0


@dataclass(frozen=True, eq=False)
class Field:
    """The candidates by their places 0..N-1, and how often they have met."""

    candidates: list[Candidate]
    place: dict[Entrant, int]
    met: Mapping[tuple[Entrant, Entrant], float]
    episodes: int  # of a match

    @classmethod
    def of(
        cls,
        candidates: list[Candidate],
        met: Mapping[tuple[Entrant, Entrant], float],
        episodes: int,
    ) -> "Field":
        place = {candidate.entrant: index for index, candidate in enumerate(candidates)}
        if len(place) < len(candidates):
            raise ValueError("an entrant occurs twice among the candidates")
        if any(not candidate.cost > 0 for candidate in candidates):
            raise ValueError("the cost of a candidate's matches must be above 0")
        return cls(candidates, place, met, episodes)

    def __len__(self) -> int:
        return len(self.candidates)

    def elos(self) -> Floats:
        return np.array([candidate.elo for candidate in self.candidates], dtype=np.float64)

    def variances(self) -> Floats:
        return np.array([candidate.se**2 for candidate in self.candidates], dtype=np.float64)

    def wants(self) -> Booleans:
        return np.array([candidate.wants for candidate in self.candidates], dtype=bool)

    def costs(self) -> Floats:
        return np.array([candidate.cost for candidate in self.candidates], dtype=np.float64)

    def matches(self) -> Indexes:
        return np.array([candidate.matches for candidate in self.candidates], dtype=np.int64)

    def teams(self) -> Indexes:
        """A number for each candidate's team."""
        numbers: dict[Hashable, int] = {}
        teams = [numbers.setdefault(each.team, len(numbers)) for each in self.candidates]
        return np.array(teams, dtype=np.int64)

    def met_pairs(self) -> tuple[Indexes, Indexes, Floats]:
        """Places of two that have met, and the episodes that they have played."""
        place = self.place
        rows = [
            (place[a], place[b], matches)
            for (a, b), matches in self.met.items()
            if a in place and b in place
        ]
        a, b, matches = np.array(rows, dtype=np.float64).reshape(-1, 3).T
        return a.astype(np.int64), b.astype(np.int64), matches * self.episodes

    def information(self, gaps: Floats) -> Floats:
        """Fisher information of a match about the gap, per Elo point squared (Davidson)."""
        half = np.abs(gaps) * (POINT / 2)
        underdog, tie = np.exp(-2 * half), DRAW * np.exp(-half)
        norm = 1 + underdog + tie
        lead = (1 - underdog) / norm
        return np.asarray((1 - tie / norm - lead**2) / 4 * (self.episodes * POINT**2))


class Seats:
    """Who sits first: over the matches of a run, as often as second, or once more or less.

    surplus: by how many episodes a candidate sat first more often than second.
    """

    def __init__(self, field: Field, rng: random.Random) -> None:
        self.surplus = [
            2 * each.first_seats - field.episodes * each.matches for each in field.candidates
        ]
        self.rng = rng

    def take(self, first: int, second: int) -> None:
        self.surplus[first] += 1
        self.surplus[second] -= 1

    def assign(self, pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
        """The pairs with the first seat first: to who had fewer of them, match by match.

        Then, while somebody is out of balance, a chain of matches from it to one that lacks first
        seats is turned round.
        """
        seated = [self._greedily(a, b) for a, b in pairs]
        places = sorted({place for pair in pairs for place in pair})
        turned = True
        while turned:
            turned = False
            for place in self._ahead(places):
                turned |= self._turned_from(place, seated)
        return seated

    def _ahead(self, places: Sequence[int]) -> list[int]:
        least = min((self.surplus[place] for place in places), default=0)
        return [place for place in places if self.surplus[place] >= least + 3]

    def _turned_from(self, start: int, seated: list[tuple[int, int]]) -> bool:
        chain = self._chain(start, seated)
        for match in chain:
            second, first = seated[match]
            seated[match] = first, second
            self.surplus[first] += 2
            self.surplus[second] -= 2
        return bool(chain)

    def _greedily(self, a: int, b: int) -> tuple[int, int]:
        ahead = self.surplus[a] - self.surplus[b]
        if ahead > 0 or (ahead == 0 and self.rng.random() < 0.5):
            a, b = b, a
        self.take(a, b)
        return a, b

    def _chain(self, start: int, seated: Sequence[tuple[int, int]]) -> list[int]:
        """Matches, each from first to second, to somebody whose surplus is lower by 3 or more."""
        least = self.surplus[start] - 3
        matches: dict[int, list[int]] = defaultdict(list)
        for match, (first, _) in enumerate(seated):
            matches[first].append(match)
        came_by: dict[int, list[int]] = {start: []}
        waiting = deque([start])
        while waiting:
            place = waiting.popleft()
            if self.surplus[place] <= least:
                return came_by[place]
            for match in matches[place]:
                second = seated[match][1]
                if second not in came_by:
                    came_by[second] = [*came_by[place], match]
                    waiting.append(second)
        return []

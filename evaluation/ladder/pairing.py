"""Who plays whom next: the matches that teach most about a ladder, above all around its cut.

`choose_pairs` keeps the rules (never one team, seats balanced, one pair in ten far apart);
`is_settled` says when an entrant has been rated well enough. docs/ladder.md explains the choice.
"""

import math
import random
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from evaluation.ladder.counts import Entrant, Floats, Indexes
from evaluation.ladder.elo import POINT, Rating

Booleans = NDArray[np.bool_]

FAR_SHARE = 0.1  # of the pairs are drawn from everybody, which keeps the scale of the ladder honest
MET_DISCOUNT = 0.1  # an episode is worth 1 / (1 + 0.1 x episodes that the two have played)
PLANNED_DISCOUNT = 0.9  # and this for each one that is planned or in flight
DRAW = 0.5  # Davidson's nu that the information of an episode is judged by

EVERY_PAIR_BELOW = 500  # entrants; from there on each one's nearest and some random others
NEAREST, OTHERS = 24, 8
SIMPLE_ABOVE = 2000  # entrants; from there on `_SimpleScheduler`, at O(N) a pair
SIMPLE_REACH = 150.0  # Elo points

UNCERTAIN_BOUNDARY = 0.5  # from this boundary weight on the stricter limit holds
EQUALS_SE = 388.0  # standard error that one episode between known equals leaves: 1/sqrt(0.2) points
FIELD_FACTOR = 1.45  # episodes that a real field costs for each one between known equals


@dataclass(frozen=True)
class Candidate:
    """An entrant as the scheduler sees it; one that does not want may still be an opponent."""

    entrant: Entrant
    team: Hashable
    elo: float
    se: float
    matches: int = 0
    first_seats: int = 0
    wants: bool = True


def choose_pairs(
    candidates: Iterable[Candidate],
    covariance: Floats | None,
    n: int,
    *,
    met: Mapping[tuple[Entrant, Entrant], float],
    in_flight: Iterable[tuple[Entrant, Entrant]],
    rng: random.Random,
    cut: int = 10,
    cut_weight: float = 3.0,
    paired_seats: bool = True,
) -> list[tuple[Entrant, Entrant, int]]:
    """Up to n matches (first, second, key), best first; fewer where no more are allowed or wanted.

    covariance: [N, N] Elo points squared, in the order of `candidates`, and scaled to their errors,
    which may be newer; without it the errors count as independent. met: matches that two have
    played, under either order of the two. in_flight: matches (first, second) under way, which count
    as played. cut: the last rank with a prize. paired_seats: a match is two episodes, seats
    swapped, on the seed that `key` gives.
    """
    field = _Field.of(list(candidates), met, 2 if paired_seats else 1)
    seats = _Seats(field.candidates, rng)
    scheduler = _scheduler(field, covariance, field.boundary(cut), cut_weight, rng)
    for first, second in in_flight:
        if first in field.place and second in field.place:
            seats.take(field.place[first], field.place[second])
            scheduler.play(field.place[first], field.place[second])
    chosen: list[tuple[Entrant, Entrant, int]] = []
    while len(chosen) < n and (pair := scheduler.best()):
        scheduler.play(*pair)
        first, second = (field.candidates[place].entrant for place in seats.assign(*pair))
        chosen.append((first, second, rng.getrandbits(31)))
    return chosen


def boundary_weights(ratings: Sequence[Rating], cut: int) -> list[float]:
    """For each rating how open it is whether it belongs above the cut: 1 = wholly, 0 = decided.

    sqrt(4 p (1 - p)), p the chance to be above the middle between the ranks `cut` and `cut` + 1.
    """
    if not 0 < cut < len(ratings):
        return [0.0] * len(ratings)
    elos = sorted((rating.elo for rating in ratings), reverse=True)
    line = (elos[cut - 1] + elos[cut]) / 2
    above = [NormalDist().cdf((rating.elo - line) / max(rating.se, 1e-9)) for rating in ratings]
    return [math.sqrt(4 * p * (1 - p)) for p in above]


def is_settled(
    rating: Rating,
    matches: int,
    *,
    boundary: float = 0.0,
    se_limit: float = 50.0,
    boundary_se_limit: float = 30.0,
    max_matches: int = 400,
) -> bool:
    """Whether no more matches are needed for it; boundary: its `boundary_weights` value."""
    limit = _limit(boundary, se_limit, boundary_se_limit)
    return rating.se <= limit or matches >= max_matches


def matches_to_settle(
    rating: Rating,
    matches: int,
    *,
    boundary: float = 0.0,
    se_limit: float = 50.0,
    boundary_se_limit: float = 30.0,
    max_matches: int = 400,
    episodes_per_match: int = 2,
) -> int:
    """An estimate of the matches until `is_settled`, if ratings and boundary stay as they are."""
    limit = _limit(boundary, se_limit, boundary_se_limit)
    if rating.se <= limit:
        return 0
    episodes = FIELD_FACTOR * EQUALS_SE**2 * (limit**-2 - rating.se**-2)
    return max(0, min(math.ceil(episodes / episodes_per_match), max_matches - matches))


def _limit(boundary: float, se_limit: float, boundary_se_limit: float) -> float:
    return min(se_limit, boundary_se_limit) if boundary > UNCERTAIN_BOUNDARY else se_limit


@dataclass(frozen=True, eq=False)
class _Field:
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
    ) -> "_Field":
        place = {candidate.entrant: index for index, candidate in enumerate(candidates)}
        if len(place) < len(candidates):
            raise ValueError("an entrant occurs twice among the candidates")
        return cls(candidates, place, met, episodes)

    def __len__(self) -> int:
        return len(self.candidates)

    def elos(self) -> Floats:
        return np.array([candidate.elo for candidate in self.candidates], dtype=np.float64)

    def variances(self) -> Floats:
        return np.array([candidate.se**2 for candidate in self.candidates], dtype=np.float64)

    def wants(self) -> Booleans:
        return np.array([candidate.wants for candidate in self.candidates], dtype=bool)

    def teams(self) -> Indexes:
        """A number for each candidate's team."""
        numbers: dict[Hashable, int] = {}
        teams = [numbers.setdefault(each.team, len(numbers)) for each in self.candidates]
        return np.array(teams, dtype=np.int64)

    def boundary(self, cut: int) -> Floats:
        ratings = [Rating(candidate.elo, candidate.se) for candidate in self.candidates]
        return np.array(boundary_weights(ratings, cut))

    def episodes_met(self) -> dict[tuple[int, int], float]:
        """Episodes already played, by places, the lower one first."""
        played: dict[tuple[int, int], float] = {}
        for (a, b), matches in self.met.items():
            i, j = self.place.get(a), self.place.get(b)
            if i is not None and j is not None:
                pair = (i, j) if i < j else (j, i)
                played[pair] = played.get(pair, 0.0) + matches * self.episodes
        return played

    def information(self, gaps: Floats) -> Floats:
        """Fisher information of a match about the gap, per Elo point squared (Davidson)."""
        half = np.abs(gaps) * (POINT / 2)
        underdog, tie = np.exp(-2 * half), DRAW * np.exp(-half)
        norm = 1 + underdog + tie
        lead = (1 - underdog) / norm
        return np.asarray((1 - tie / norm - lead**2) / 4 * (self.episodes * POINT**2))


class _Seats:
    """First seats go to who had the smaller share of them."""

    def __init__(self, candidates: Sequence[Candidate], rng: random.Random) -> None:
        self.surplus = [2 * each.first_seats - each.matches for each in candidates]
        self.rng = rng

    def assign(self, a: int, b: int) -> tuple[int, int]:
        """The pair with the first seat first; it counts as taken."""
        ahead = self.surplus[a] - self.surplus[b]
        if ahead > 0 or (ahead == 0 and self.rng.random() < 0.5):
            a, b = b, a
        self.take(a, b)
        return a, b

    def take(self, first: int, second: int) -> None:
        self.surplus[first] += 1
        self.surplus[second] -= 1


class _Scheduler(Protocol):
    def play(self, a: int, b: int) -> None:
        """Count a match of the two as played."""

    def best(self) -> tuple[int, int] | None:
        """The next pair to play, or None where nobody who wants has an opponent."""


def _scheduler(
    field: _Field,
    covariance: Floats | None,
    boundary: Floats,
    cut_weight: float,
    rng: random.Random,
) -> _Scheduler:
    if len(field) > SIMPLE_ABOVE:
        return _SimpleScheduler(field, rng)
    return _NearScheduler(field, _current(field, covariance), boundary, cut_weight, rng)


def _current(field: _Field, covariance: Floats | None) -> Floats:
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
        field: _Field,
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
        self.worth = field.information(gaps) / (1 + MET_DISCOUNT * self._met())
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

    def best(self) -> tuple[int, int] | None:
        if not len(self.low):
            return None
        variance = np.maximum(self.variance, 1e-9)
        score = self.worth * variance
        if self.rng.random() < FAR_SHARE and self.far.any():
            place = _drawn(score * self.far, self.rng)
        else:
            place = int((score * self.boundary * np.exp(-self.quarter_gaps / variance)).argmax())
        return int(self.low[place]), int(self.high[place])

    def _met(self) -> Floats:
        played = self.field.episodes_met()
        if not played:
            return np.zeros(len(self.low))
        pairs = zip(self.low.tolist(), self.high.tolist(), strict=True)
        return np.array([played.get(pair, 0.0) for pair in pairs])


class _SimpleScheduler:
    """Serves the largest variance first, with an opponent drawn by closeness, at O(N) a pair."""

    def __init__(self, field: _Field, rng: random.Random) -> None:
        self.field, self.rng = field, rng
        self.elos, self.variance = field.elos(), field.variances()
        self.teams = field.teams()
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

    def best(self) -> tuple[int, int] | None:
        while self.waiting.any():
            a = int(np.where(self.waiting, self.variance, -1.0).argmax())
            allowed = self.teams != self.teams[a]
            if allowed.any():
                return a, self._opponent(a, allowed)
            self.waiting[a] = False
        return None

    def _opponent(self, a: int, allowed: Booleans) -> int:
        weight = allowed.astype(np.float64)
        if self.rng.random() >= FAR_SHARE:
            squares = ((self.elos - self.elos[a]) / SIMPLE_REACH) ** 2 / 2
            weight *= np.exp(squares[allowed].min() - squares)
            for b, episodes in self.met[a].items():
                weight[b] /= 1 + MET_DISCOUNT * episodes
        return _drawn(weight, self.rng)


def _drawn(weights: Floats, rng: random.Random) -> int:
    """A place drawn with a chance in proportion to its weight; at least one weight is above 0."""
    sums = weights.cumsum()
    place = int(np.searchsorted(sums, rng.random() * sums[-1], side="right"))
    return min(place, int(np.flatnonzero(weights)[-1]))


def _pair_list(field: _Field, rng: random.Random) -> tuple[Indexes, Indexes, Booleans]:
    """The pairs to choose from, lower place first, and which of them serve as far pairs."""
    if len(field) < EVERY_PAIR_BELOW:
        low, high = np.triu_indices(len(field), 1)
        far = np.ones(len(low), dtype=bool)
    else:
        low, high, far = _some_pairs(field, rng)
    teams, wants = field.teams(), field.wants()
    kept = (teams[low] != teams[high]) & (wants[low] | wants[high])
    return low[kept], high[kept], far[kept]


def _some_pairs(field: _Field, rng: random.Random) -> tuple[Indexes, Indexes, Booleans]:
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

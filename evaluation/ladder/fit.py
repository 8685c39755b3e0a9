"""Joint fit of a ladder: Elo-scale Bradley-Terry with ties, over all episodes at once.

In natural units of log odds: strengths r ~ N(0, s^2), seat advantage h ~ N(0, 100 Elo),
ln nu ~ N(ln 0.5, 1), and a quirk e ~ N(0, 40 Elo) of each pair. With d = r_first - r_second + h + e
the odds of win : draw : loss are exp(d/2) : nu : exp(-d/2) (Davidson 1970). A rating is the centre
and its error the spread of the Gaussian closest to the posterior; s is fitted by EM. `posterior`
does the numerics, docs/ladder.md has the formulas.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from evaluation.ladder.counts import Entrant, Floats, Indexes, PairCounts, count_pairs
from evaluation.ladder.elo import POINT, Rating
from evaluation.ladder.games import Games
from evaluation.ladder.posterior import Centre, find_posterior

__all__ = ["RULES_VERSION", "Fit", "PairCounts", "count_pairs", "fit"]

RULES_VERSION = 2  # of the model and its constants: ratings are a function of (log, rules version)
PUBLISHED_DIGITS = 2
RANK_DRAWS = 500
RANK_TAIL = 0.025


@dataclass(frozen=True, eq=False)
class Fit:
    """What a fit publishes; ratings, errors and spreads are in Elo points.

    ratings: the shown rating with its standard error, relative to the mean of the active field.
    order, covariance: the entrants, and the [N, N] covariance of their ratings about that mean.
    active: whom the leaderboard ranks. prior_mean: the rating of an entrant that has not played.
    spread: the fitted s. draw: Davidson's nu. seat_advantage: what the first seat is worth.
    """

    ratings: dict[Entrant, Rating]
    covariance: Floats
    order: list[Entrant]
    active: list[Entrant]
    prior_mean: float
    spread: float
    draw: float
    seat_advantage: Rating
    data_hash: str
    rules_version: int = RULES_VERSION

    @cached_property
    def rank_intervals(self) -> dict[Entrant, tuple[int, int, int]]:
        """(rank, lowest, highest) of each active entrant: the ranks held in 95 % of the draws."""
        elos = np.array([self.ratings[entrant].elo for entrant in self.active])
        ranks = 1 + np.searchsorted(np.sort(-elos), -elos)
        low, high = _rank_range(elos, self.covariance_of(self.active))
        low, high = np.minimum(low, ranks), np.maximum(high, ranks)
        rows = zip(ranks.tolist(), low.tolist(), high.tolist(), strict=True)
        return dict(zip(self.active, rows, strict=True))

    def covariance_of(self, entrants: Sequence[Entrant]) -> Floats:
        """The covariance in the order of `entrants`; a stranger to this fit stands apart at s^2."""
        place = {entrant: index for index, entrant in enumerate(self.order)}
        places = np.array([place.get(entrant, -1) for entrant in entrants], dtype=np.int64)
        known = np.flatnonzero(places >= 0)
        result = np.diag(np.where(places >= 0, 0.0, self.spread**2))
        result[np.ix_(known, known)] = self.covariance[np.ix_(places[known], places[known])]
        return result

    def difference(self, a: Entrant, b: Entrant) -> Rating:
        """How far A is above B; they are told apart where that exceeds 1.96 standard errors."""
        (var_a, covariance), (_, var_b) = self.covariance_of([a, b])
        gap = self.ratings[a].elo - self.ratings[b].elo
        return Rating(gap, math.sqrt(max(var_a + var_b - 2 * covariance, 0.0)))


def fit(
    counts: PairCounts,
    entrants: Iterable[Entrant],
    *,
    anchor: Entrant | None = None,
    anchor_elo: float = 1000.0,
    active: Iterable[Entrant] | None = None,
    start: Fit | None = None,
) -> Fit:
    """Rate `entrants` by what they played among each other; other rows of `counts` are left out.

    anchor: the entrant shown at `anchor_elo`; without one the mean of the active field is.
    active: the field of the leaderboard, by default all. start: an earlier fit to begin from, which
    saves steps and moves what is published by less than 0.05 points.
    """
    order = sorted(set(entrants))
    field = order if active is None else sorted(set(active))
    fixed = field if anchor is None else [anchor]
    strangers = {*field, *fixed} - {*order}
    if strangers:
        raise ValueError(f"active or anchor without being an entrant: {sorted(strangers)}")
    used = counts.among(order)
    games = Games.of(used, order)
    centre, covariance = find_posterior(games, _begin(games, order, start))
    zero = anchor_elo - _mean(centre.strengths / POINT, _places(fixed or order, order))
    return _published(centre, covariance, order, field, zero, used.data_hash)


def _begin(games: Games, order: list[Entrant], start: Fit | None) -> Centre:
    if start is None:
        return Centre.of_scores(games)
    unplayed = Rating(start.prior_mean, start.spread)
    elos = np.array([start.ratings.get(entrant, unplayed).elo for entrant in order])
    return Centre.near(
        games,
        strengths=(elos - start.prior_mean) * POINT,
        game=np.array([start.seat_advantage.elo * POINT, math.log(start.draw)]),
        log_spread=math.log(start.spread * POINT),
        covariance=start.covariance_of(order) * POINT**2,
    )


def _published(
    centre: Centre,
    covariance: Floats,
    order: list[Entrant],
    field: list[Entrant],
    zero: float,
    data_hash: str,
) -> Fit:
    size = len(order)
    covariance = covariance / POINT**2
    seat = Rating(_rounded(centre.game[0] / POINT), _rounded(math.sqrt(covariance[size, size])))
    centred = _centred(covariance[:size, :size], _places(field, order))
    errors = np.sqrt(centred.diagonal().clip(0.0))
    elos = centre.strengths / POINT + zero
    ratings = [Rating(_rounded(elo), _rounded(se)) for elo, se in zip(elos, errors, strict=True)]
    return Fit(
        ratings=dict(zip(order, ratings, strict=True)),
        covariance=centred,
        order=order,
        active=field,
        prior_mean=_rounded(zero),
        spread=math.exp(centre.log_spread) / POINT,
        draw=math.exp(centre.game[1]),
        seat_advantage=seat,
        data_hash=data_hash,
    )


def _centred(covariance: Floats, field: Indexes) -> Floats:
    """The covariance relative to the mean of `field`; a field of one has no mean to compare to."""
    if len(field) < 2:
        return covariance
    with_mean = covariance[:, field].mean(axis=1)
    variance_of_mean = with_mean[field].mean()
    return np.asarray(covariance - with_mean[:, None] - with_mean[None, :] + variance_of_mean)


def _rank_range(elos: Floats, covariance: Floats) -> tuple[Indexes, Indexes]:
    """The ends of the ranks held in 95 % of fixed, mirrored draws from N(elos, covariance).

    Adding a constant to the covariance moves everybody alike: it changes no rank and makes the
    centred matrix definite.
    """
    size = len(elos)
    root = np.linalg.cholesky(covariance + np.trace(covariance) / max(size, 1))
    noise = np.random.default_rng(RULES_VERSION).standard_normal((RANK_DRAWS // 2, size)) @ root.T
    order = np.argsort(-np.concatenate([elos + noise, elos - noise]), axis=1)
    ranks = np.empty_like(order)
    np.put_along_axis(ranks, order, np.arange(1, size + 1)[None, :], axis=1)
    ranks.sort(axis=0)
    tail = int(RANK_TAIL * RANK_DRAWS)
    return ranks[tail], ranks[-1 - tail]


def _places(entrants: Sequence[Entrant], order: Sequence[Entrant]) -> Indexes:
    place = {entrant: index for index, entrant in enumerate(order)}
    return np.array([place[entrant] for entrant in entrants], dtype=np.int64)


def _mean(values: Floats, places: Indexes) -> float:
    return float(values[places].mean()) if len(places) else 0.0


def _rounded(value: float) -> float:
    return round(float(value), PUBLISHED_DIGITS)

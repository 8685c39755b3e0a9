"""The mode of a ladder's posterior and the covariance there, by Newton's method.

Everything here is in natural units of log odds and in places 0..N-1 instead of entrants. The
objective is concave, so that its one mode depends neither on the order of the log nor on the start.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from evaluation.ladder.counts import Entrant, Floats, Indexes, PairCounts
from evaluation.ladder.elo import POINT

PRIOR_SPREAD, PRIOR_AGENTS = 300 * POINT, 5  # s is pulled to 300 Elo by five pseudo-agents
SEAT_SPREAD = 100 * POINT
QUIRK_PRECISION = (40 * POINT) ** -2
PRIOR_LOG_DRAW, LOG_DRAW_SPREAD = math.log(0.5), 1.0
SEATS = np.array([[1.0], [-1.0]])  # `low` of a pair sits first in row 0, second in row 1

TOLERANCE = 1e-8  # Elo points that the last step may still change
MAX_STEPS = 1000  # some ten are usual; a score of a million to nothing takes many
SURE_CLIMB = 0.55  # of the most curvature; at half of it a whole step could come out level
SHORT = 0.5  # a step this short climbs: its curvature grows by less than 1 / SURE_CLIMB
SMALLEST_STEP = 2.0**-40
BLOCK = 8192  # pairs at a time, so that the working set stays in the cache


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
        return self._sum(self.low, values) - self._sum(self.high, values)

    def gross(self, values: Floats) -> Floats:
        return self._sum(self.low, values) + self._sum(self.high, values)

    def _sum(self, places: Indexes, values: Floats) -> Floats:
        return np.bincount(places, values, self.size).astype(np.float64, copy=False)

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


@dataclass(frozen=True, eq=False)
class Mode:
    """Where the fit stands. game: seat advantage and ln nu. quirks: [P], from the side of `low`."""

    strengths: Floats
    game: Floats
    quirks: Floats
    log_spread: float

    @classmethod
    def of_equals(cls, games: Games) -> "Mode":
        """Where a fit begins: everybody equal, and draws as frequent as they are."""
        log_draw = _log_draw_of_equals(float(games.draws.sum()), float(games.episodes().sum()))
        game = np.array([0.0, log_draw])
        return cls(np.zeros(games.size), game, np.zeros(len(games.low)), math.log(PRIOR_SPREAD))

    @classmethod
    def near(
        cls, games: Games, strengths: Floats, seat: float, log_draw: float, log_spread: float
    ) -> "Mode":
        """An earlier mode; the quirks, which nobody keeps, follow from the rest."""
        quirks = np.zeros(len(games.low))
        mode = cls(strengths, np.array([seat, log_draw]), quirks, log_spread)
        still = np.zeros(games.size + 2)
        return mode.moved(still, _Pairs.at(games, mode).quirk_step(still))

    def moved(self, step: Floats, quirks: Floats) -> "Mode":
        size = len(self.strengths)
        return replace(
            self,
            strengths=self.strengths + step[:size],
            game=self.game + step[size:],
            quirks=self.quirks + quirks,
        )


def _log_draw_of_equals(draws: float, episodes: float) -> float:
    """The mode of ln nu if all were equal, by bisection: the slope falls with ln nu."""
    low, high = -50.0, 50.0
    while high - low > 0.01:
        middle = (low + high) / 2
        expected = episodes / (1 + 2 * math.exp(-middle))
        slope = draws - expected - (middle - PRIOR_LOG_DRAW) / LOG_DRAW_SPREAD**2
        low, high = (middle, high) if slope > 0 else (low, middle)
    return low


@dataclass(frozen=True, eq=False)
class _Pairs:
    """Log likelihood of each pair at a mode: slopes and information (minus second derivatives).

    pull: [P] slope by the gap x of the pair, which is also that by its quirk. information: [5, P]
    of x and x (which is that of h and h), x and h, x and t, h and t, t and t; h the seat advantage,
    t = ln nu. game_slope: [2] by h and t over all pairs.
    """

    games: Games
    quirks: Floats
    pull: Floats
    information: Floats
    game_slope: Floats

    @classmethod
    def at(cls, games: Games, mode: Mode) -> "_Pairs":
        pull, information = np.empty(len(games.low)), np.empty((5, len(games.low)))
        game_slope = np.zeros(2)
        gaps = games.gaps(mode.strengths) + mode.quirks
        for begin in range(0, len(gaps), BLOCK):
            block = slice(begin, begin + BLOCK)
            results = games.wins[:, block], games.draws[:, block], games.losses[:, block]
            seat_slope, draw_slope = _derivatives(
                gaps[block], mode.game, *results, pull[block], information[:, block]
            )
            game_slope += seat_slope, draw_slope
        return cls(games, mode.quirks, pull, information, game_slope)

    @cached_property
    def pivot(self) -> Floats:
        return np.asarray(self.information[0] + QUIRK_PRECISION)

    @cached_property
    def residual(self) -> Floats:
        """The slope by a quirk, its prior included."""
        return self.pull - QUIRK_PRECISION * self.quirks

    def quirk_step(self, step: Floats) -> Floats:
        """What the quirks do when everything else moves by `step`."""
        xx, xh, xt, _, _ = self.information
        h, t = step[self.games.size :]
        return np.asarray(
            (self.residual - xx * self.games.gaps(step) - xh * h - xt * t) / self.pivot
        )

    def damping(self, step: Floats, quirks: Floats, prior: float) -> float:
        """The share of a Newton step that is sure to climb; `prior` is its curvature along it.

        At the start of the step the slope equals the curvature, here. Further on the curvature of
        an episode grows at most by e to the distance that its log odds have gone (Bach 2010), and
        never beyond a quarter of the whole distance squared.
        """
        gap, (h, t) = self.games.gaps(step) + quirks, step[self.games.size :]
        half = (np.abs(gap) + abs(h)) / 2
        distance = half + np.maximum(half, abs(t))
        if distance.max(initial=0.0) < SHORT:
            return 1.0
        xx, xh, xt, ht, tt = self.information
        here = xx * (gap**2 + h**2) + 2 * gap * (xh * h + xt * t) + 2 * ht * h * t + tt * t**2
        ceiling = self.games.episodes() * distance**2 / 4
        fixed = prior + QUIRK_PRECISION * float(quirks @ quirks)
        share, slope = 1.0, float(here.sum()) + fixed
        while share > SMALLEST_STEP:
            most = np.minimum(here * np.exp((share * distance).clip(max=50.0)), ceiling)
            if share * (float(most.sum()) + fixed) * SURE_CLIMB <= slope:
                break
            share /= 2
        return share


def _derivatives(
    gaps: Floats,
    game: Floats,
    wins: Floats,
    draws: Floats,
    losses: Floats,
    pull: Floats,
    information: Floats,
) -> tuple[float, float]:
    """Fill in pull and information of `_Pairs` for these pairs and return their game_slope.

    No difference of nearly equal numbers is taken, so that also a million to nothing is exact.
    """
    seat, log_draw = game
    half = (gaps + SEATS * seat) / 2
    win, nu = np.exp(half), math.exp(log_draw)
    loss = 1 / win
    share = 1 / (win + nu + loss)
    win, tie, loss = win * share, nu * share, loss * share  # now the chances
    lead, decided = win - loss, win + loss
    slope = wins * (loss + tie / 2) - losses * (win + tie / 2) - draws * lead / 2
    episodes = wins + draws + losses
    expected_ties = episodes * tie
    tt = expected_ties * decided
    dt = expected_ties * lead / -2
    dd = tt / 4 + episodes * win * loss  # d: the log odds of an episode
    pull[:] = slope[0] + slope[1]
    np.add(dd[0], dd[1], out=information[0])
    np.subtract(dd[0], dd[1], out=information[1])
    np.add(dt[0], dt[1], out=information[2])
    np.subtract(dt[0], dt[1], out=information[3])
    np.add(tt[0], tt[1], out=information[4])
    draw_slope = draws * decided - (wins + losses) * tie
    return float(slope[0].sum() - slope[1].sum()), float(draw_slope.sum())


def _equations(pairs: _Pairs) -> tuple[Floats, Floats]:
    """Newton's equations without the prior, the quirks eliminated (Schur complement).

    Returns the information [N + 2, N + 2], its lower half, and the slope [N + 2]. Eliminating its
    quirk turns the information v of a pair into v / (1 + q^2 v).
    """
    games, gap, seat_draw = pairs.games, pairs.information[:3], pairs.information[3].sum()
    per_pivot = gap[1:] / pairs.pivot
    game_information = np.array(
        [[gap[0].sum(), seat_draw], [seat_draw, pairs.information[4].sum()]]
    )
    kept = QUIRK_PRECISION / pairs.pivot
    slope = games.net(kept * (pairs.pull + gap[0] * pairs.quirks))
    game_slope = pairs.game_slope - per_pivot @ pairs.residual
    information = _information(games, kept * gap, game_information - gap[1:] @ per_pivot.T)
    return information, np.concatenate([slope, game_slope])


def _information(games: Games, gap: Floats, game_information: Floats) -> Floats:
    size = games.size
    matrix = np.zeros((size + 2, size + 2))
    matrix.reshape(-1)[games.high * (size + 2) + games.low] = -gap[0]
    np.fill_diagonal(matrix[:size, :size], games.gross(gap[0]))
    matrix[size, :size], matrix[size + 1, :size] = games.net(gap[1]), games.net(gap[2])
    matrix[size:, size:] = game_information
    return matrix


def find_mode(games: Games, mode: Mode) -> tuple[Mode, Floats]:
    """The mode of the posterior and the covariance [N + 2, N + 2] there."""
    for _ in range(MAX_STEPS):
        mode, change, root = _newton(games, mode)
        if change < TOLERANCE:
            return mode, np.asarray(root.T @ root)
    raise ArithmeticError(f"the fit did not settle in {MAX_STEPS} steps")


def _newton(games: Games, mode: Mode) -> tuple[Mode, float, Floats]:
    """One step of everything: the mode after it, what it changed, a root W of the covariance W'W.

    The spread stands still until a step can be taken whole.
    """
    pairs = _Pairs.at(games, mode)
    information, slope = _equations(pairs)
    centre, precision = _prior(games.size, mode.log_spread)
    np.fill_diagonal(information, information.diagonal() + precision)
    here = np.concatenate([mode.strengths, mode.game])
    root = _inverse_triangle(np.asarray(np.linalg.cholesky(information)))
    step = root.T @ (root @ (slope - precision * (here - centre)))
    quirks = pairs.quirk_step(step)
    damping = pairs.damping(step, quirks, float(precision @ step**2))
    if damping < 1.0:
        return mode.moved(damping * step, damping * quirks), math.inf, root
    variance = np.einsum("ki,ki->i", root, root)
    spread, pull = _spread_step((here + step)[:-2], variance[:-2], root, mode.log_spread)
    step += spread * pull
    quirks = pairs.quirk_step(step)
    moved = replace(mode.moved(step, quirks), log_spread=mode.log_spread + spread)
    largest = max(np.abs(step).max(), np.abs(quirks).max(initial=0.0))
    return moved, _change(largest, spread, variance, mode.log_spread), root


def _change(step: float, spread: float, variance: Floats, log_spread: float) -> float:
    """What a step still changes of ratings and errors, in Elo points.

    The errors belong to the mode before the step: each is off by about the step times itself, and
    by the step of ln s times the share of it that is prior.
    """
    error = math.sqrt(variance.max()) / POINT
    prior_share = variance[:-2].max(initial=0.0) * math.exp(-2 * log_spread)
    return float(step * max(1.0, error) + abs(spread) * prior_share * error)


def _spread_step(
    strengths: Floats, variance: Floats, root: Floats, log_spread: float
) -> tuple[float, Floats]:
    """The step of ln s to the fixed point of EM, and how the mode follows ln s: [N + 2].

    EM sets s^2 to the mean of r_i^2 + C_ii over the entrants and the pseudo-agents. Its slope (the
    squares of C cut to its diagonal) makes a Newton step of that, so that it also converges where
    there are few results.
    """
    square, agents = math.exp(2 * log_spread), len(strengths) + PRIOR_AGENTS
    pull = root.T @ (root[:, :-2] @ strengths) * (2 / square)
    seen = strengths @ strengths + variance.sum() + PRIOR_AGENTS * PRIOR_SPREAD**2
    slope = 2 * (strengths @ pull[:-2] + variance @ variance / square)
    step = (seen - agents * square) / max(2 * agents * square - slope, PRIOR_AGENTS * square)
    return float(np.clip(step, -0.5, 0.5)), pull


def _prior(size: int, log_spread: float) -> tuple[Floats, Floats]:
    """Means and precisions of the strengths, the seat advantage and ln nu: [N + 2] each."""
    spreads = np.full(size + 2, math.exp(log_spread))
    spreads[size:] = SEAT_SPREAD, LOG_DRAW_SPREAD
    means = np.zeros(size + 2)
    means[size + 1] = PRIOR_LOG_DRAW
    return means, spreads**-2.0


def _inverse_triangle(lower: Floats) -> Floats:
    """The inverse of a lower triangle by halves, at half the cost of a general inverse."""
    if len(lower) <= 64:
        return np.asarray(np.linalg.inv(lower))
    half = len(lower) // 2
    inverse = np.zeros_like(lower)
    inverse[:half, :half] = _inverse_triangle(lower[:half, :half])
    inverse[half:, half:] = _inverse_triangle(lower[half:, half:])
    inverse[half:, :half] = -inverse[half:, half:] @ (lower[half:, :half] @ inverse[:half, :half])
    return inverse

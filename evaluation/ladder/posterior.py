"""The posterior of a ladder: the Gaussian that comes closest to it, by Newton's method.

Everything here is in natural units of log odds and in places 0..N-1 instead of entrants. Where that
Gaussian is centred the slope of the log posterior vanishes on average over it, and its precision is
the average curvature (Opper and Archambeau 2009). The mode alone would shrink the scale of a ladder
by a tenth and more while its entrants have few episodes.
"""

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from evaluation.ladder.counts import Floats
from evaluation.ladder.elo import POINT
from evaluation.ladder.games import Games
from evaluation.ladder.likelihood import Chances, derivatives
from evaluation.ladder.triangle import gram, inverse_triangle

PRIOR_SPREAD, PRIOR_AGENTS = 300 * POINT, 5  # s is pulled to 300 Elo by five pseudo-agents
SEAT_SPREAD = 100 * POINT
QUIRK_PRECISION = (40 * POINT) ** -2
PRIOR_LOG_DRAW, LOG_DRAW_SPREAD = math.log(0.5), 1.0

TOLERANCE = 0.01  # Elo points that the last step may change; what is left is a tenth of it
ROUGH = 80.0  # steps as short as this, in Elo points, are taken with averages over the Gaussian
MAX_STEPS = 1000  # some ten are usual; a score of a million to nothing takes many
SURE_CLIMB = 0.55  # of the most curvature; at half of it a whole step could come out level
SHORT = 0.5  # a step this short climbs: its curvature grows by less than 1 / SURE_CLIMB
SMALLEST_STEP = 2.0**-40
BLOCK = 8192  # pairs at a time, so that the working set stays in the cache


@dataclass(frozen=True, eq=False)
class Centre:
    """Where the fit stands. game: seat advantage and ln nu. quirks: [P], from the side of `low`.

    blur: [P] how widely the gap of a pair, its quirk included, is spread about its centre; 0 at
    the beginning, when only the mode is looked for.
    """

    strengths: Floats
    game: Floats
    quirks: Floats
    log_spread: float
    blur: Floats

    @classmethod
    def of_scores(cls, games: Games) -> "Centre":
        """Where a fit begins: as if all opponents were equal, and draws as frequent as they are."""
        log_draw = _log_draw_of_equals(float(games.draws.sum()), float(games.episodes.sum()))
        lead = games.net((games.wins - games.losses).sum(axis=0))
        strengths = 2 * np.arctanh(lead / (games.gross(games.episodes) + 2))
        nothing = np.zeros(len(games.low))
        return cls(strengths, np.array([0.0, log_draw]), nothing, math.log(PRIOR_SPREAD), nothing)

    @classmethod
    def near(
        cls,
        games: Games,
        strengths: Floats,
        game: Floats,
        log_spread: float,
        covariance: Floats,
    ) -> "Centre":
        """An earlier one; the quirks and the blur, which nobody keeps, follow from the rest.

        covariance: [N, N] of the strengths, which need not be about any particular mean.
        """
        nothing, still = np.zeros(len(games.low)), np.zeros(games.size + 2)
        centre = cls(strengths, game, nothing, log_spread, nothing)
        known = np.eye(games.size + 2)
        known[:-2, :-2] = covariance
        for _ in range(2):
            pairs = _Pairs.at(games, centre)
            centre = replace(centre.moved(still, pairs.quirk_step(still)), blur=pairs.blur(known))
        return centre

    def moved(self, step: Floats, quirks: Floats) -> "Centre":
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
    """Log likelihood of each pair at a centre: slopes and information (minus second derivatives).

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
    def at(cls, games: Games, centre: Centre) -> "_Pairs":
        pull, information = np.empty(len(games.low)), np.empty((5, len(games.low)))
        game_slope = np.zeros(2)
        gaps = games.gaps(centre.strengths) + centre.quirks
        for begin in range(0, len(gaps), BLOCK):
            block = slice(begin, begin + BLOCK)
            results = games.wins[:, block], games.draws[:, block], games.losses[:, block]
            chances = Chances.of(gaps[block], centre.blur[block], centre.game)
            game_slope += derivatives(chances, *results, pull[block], information[:, block])
        return cls(games, centre.quirks, pull, information, game_slope)

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

    def blur(self, covariance: Floats) -> Floats:
        """The spread of r_low - r_high + e, the seat advantage and nu as they are.

        covariance: [N + 2, N + 2]. Given the strengths, e varies by 1 / pivot and follows the gap
        by -information / pivot.
        """
        low, high, size = self.games.low, self.games.high, self.games.size
        shared, game = covariance[:size, size:], covariance[size:, size:]
        given = covariance[:size, :size] - shared @ np.linalg.inv(game) @ shared.T
        own = given.diagonal()
        variance = (own[low] + own[high] - 2 * given[low, high]).clip(0.0)
        return np.asarray(np.sqrt(variance * (QUIRK_PRECISION / self.pivot) ** 2 + 1 / self.pivot))

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
        ceiling = self.games.episodes * distance**2 / 4
        fixed = prior + QUIRK_PRECISION * float(quirks @ quirks)
        share, slope = 1.0, float(here.sum()) + fixed
        while share > SMALLEST_STEP:
            most = np.minimum(here * np.exp((share * distance).clip(max=50.0)), ceiling)
            if share * (float(most.sum()) + fixed) * SURE_CLIMB <= slope:
                break
            share /= 2
        return share


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


def find_posterior(games: Games, centre: Centre) -> tuple[Centre, Floats]:
    """The Gaussian closest to the posterior: its centre and its covariance [N + 2, N + 2]."""
    share, last = 1.0, np.zeros(len(games.low))
    for _ in range(MAX_STEPS):
        pairs = _Pairs.at(games, centre)
        moved, change, root = _newton(pairs, centre)
        if change < ROUGH:
            covariance = gram(root)
            turn = pairs.blur(covariance) - centre.blur
            change += np.abs(turn).max(initial=0.0) / POINT
            if turn @ last < -(last @ last) / 2:  # it swings to and fro
                share /= 2
            moved, last = replace(moved, blur=centre.blur + share * turn), turn
        if change < TOLERANCE:
            return moved, covariance
        centre = moved
    raise ArithmeticError(f"the fit did not settle in {MAX_STEPS} steps")


def _newton(pairs: _Pairs, centre: Centre) -> tuple[Centre, float, Floats]:
    """One step of everything: the centre after it, what it changed, a root W of the covariance W'W.

    The spread stands still until a step can be taken whole.
    """
    information, slope = _equations(pairs)
    mean, precision = _prior(pairs.games.size, centre.log_spread)
    np.fill_diagonal(information, information.diagonal() + precision)
    here = np.concatenate([centre.strengths, centre.game])
    root = inverse_triangle(np.asarray(np.linalg.cholesky(information)))
    step = root.T @ (root @ (slope - precision * (here - mean)))
    quirks = pairs.quirk_step(step)
    damping = pairs.damping(step, quirks, float(precision @ step**2))
    if damping < 1.0:
        return centre.moved(damping * step, damping * quirks), math.inf, root
    variance = np.einsum("ki,ki->i", root, root)
    spread, pull = _spread_step((here + step)[:-2], variance[:-2], root, centre.log_spread)
    step += spread * pull
    quirks = pairs.quirk_step(step)
    moved = replace(centre.moved(step, quirks), log_spread=centre.log_spread + spread)
    largest = max(np.abs(step).max(), np.abs(quirks).max(initial=0.0))
    return moved, _change(largest, spread, variance, centre.log_spread), root


def _change(step: float, spread: float, variance: Floats, log_spread: float) -> float:
    """What a step still changes of ratings and errors, in Elo points.

    The errors belong to the centre before the step: each is off by about the step times itself, and
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

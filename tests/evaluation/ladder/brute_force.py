"""The model of the ladder written down once more, in the plainest and slowest way."""

import itertools
import math

import numpy as np

POINT = math.log(10) / 400
QUIRK, SEAT = 40 * POINT, 100 * POINT
NODES = ((0.0, 2 / 3), (math.sqrt(3), 1 / 6), (-math.sqrt(3), 1 / 6))


class BruteForce:
    """Every quirk is a parameter: strengths, one quirk a pair (alphabetical), seat, ln nu.

    rows: (first, second, wins, draws, losses). spread: s in Elo points.
    """

    def __init__(self, rows, names, spread):
        self.names, self.spread = sorted(names), spread * POINT
        self.pairs = list(itertools.combinations(self.names, 2))
        self.size = len(self.names) + len(self.pairs) + 2
        # Of every pair, and of every row of results: d without its blur, as a row of weights.
        self.gaps = np.array([self.gap(*pair) for pair in self.pairs])
        self.leads = np.array([self.gap(*row[:2]) for row in rows]).reshape(-1, self.size)
        self.leads[:, -2] = 1
        self.pair_of = [self.pairs.index(tuple(sorted(row[:2]))) for row in rows]
        self.results = np.array([row[2:] for row in rows], dtype=float).reshape(-1, 3).T

    def gap(self, a, b):
        """The weights that make r_a - r_b + e of all parameters; e is seen from a < b."""
        weights = np.zeros(self.size)
        weights[self.names.index(a)], weights[self.names.index(b)] = 1, -1
        quirk = len(self.names) + self.pairs.index(tuple(sorted((a, b))))
        weights[quirk] = 1 if a < b else -1
        return weights

    def log_prior(self, x):
        strengths, quirks = x[: len(self.names)], x[len(self.names) : -2]
        return (
            -sum((r / self.spread) ** 2 / 2 for r in strengths)
            - sum((e / QUIRK) ** 2 / 2 for e in quirks)
            - (x[-2] / SEAT) ** 2 / 2
            - (x[-1] - np.log(0.5)) ** 2 / 2
        )

    def log_likelihood(self, x, blur):
        """On average over a normal spread of every gap about its centre; blur: by pair."""
        wins, draws, losses = self.results
        total = 0.0
        for place, weight in NODES:
            d = self.leads @ x + place * blur[self.pair_of]
            norm = np.log(np.exp(d / 2) + np.exp(x[-1]) + np.exp(-d / 2))
            row = wins * (d / 2 - norm) + draws * (x[-1] - norm) + losses * (-d / 2 - norm)
            total += weight * row.sum()
        return total

    def objective(self, x, blur):
        return self.log_prior(x) + self.log_likelihood(x, blur)

    def gradient(self, x, blur):
        """By complex steps: exact to rounding."""
        steps = np.eye(self.size) * 1e-20j
        return np.array([self.objective(x + step, blur).imag for step in steps]) * 1e20

    def hessian(self, x, blur):
        steps = np.eye(self.size) * 1e-6
        columns = [self.gradient(x + h, blur) - self.gradient(x - h, blur) for h in steps]
        return np.array(columns) / 2e-6

    def highest(self, x, blur):
        """By Newton's method with halved steps."""
        for _ in range(200):
            step = np.linalg.solve(self.hessian(x, blur), -self.gradient(x, blur))
            length = 1.0
            while self.objective(x + length * step, blur) < self.objective(x, blur) - 1e-9:
                length /= 2
            x = x + length * step
            if np.abs(step).max() < 1e-6:
                return x
        raise AssertionError("the brute force did not settle")

    def closest_gaussian(self):
        """Centre and covariance: the blur is what the covariance says of strengths and quirks."""
        x, blur = np.zeros(self.size), np.zeros(len(self.pairs))
        for _ in range(300):
            x = self.highest(x, blur)
            precision = -self.hessian(x, blur)
            inner = np.linalg.inv(precision[:-2, :-2])
            spread = np.sqrt([gap[:-2] @ inner @ gap[:-2] for gap in self.gaps])
            if np.abs(spread - blur).max() < 1e-4:
                return x, np.linalg.inv(precision)
            blur = (spread + blur) / 2
        raise AssertionError("the blur of the brute force did not settle")


def sampled_posterior(rows, names, spread, draws=400_000, seed=1):
    """Mean and covariance of the strengths in Elo points, from draws of the prior by likelihood.

    Nothing is approximated but by chance: every draw is a whole world, weighted by how likely it
    makes the results.
    """
    random = np.random.default_rng(seed)
    names = sorted(names)
    strengths = random.normal(0, spread * POINT, (draws, len(names)))
    quirks = {pair: random.normal(0, QUIRK, draws) for pair in itertools.combinations(names, 2)}
    seat, log_draw = random.normal(0, SEAT, draws), random.normal(math.log(0.5), 1, draws)
    weight = np.zeros(draws)
    for first, second, wins, ties, losses in rows:
        quirk = quirks[first, second] if first < second else -quirks[second, first]
        d = strengths[:, names.index(first)] - strengths[:, names.index(second)] + quirk + seat
        norm = np.log(np.exp(d / 2) + np.exp(log_draw) + np.exp(-d / 2))
        weight += wins * (d / 2 - norm) + ties * (log_draw - norm) + losses * (-d / 2 - norm)
    weight = np.exp(weight - weight.max())
    strengths -= strengths.mean(axis=1, keepdims=True)
    mean = np.average(strengths, axis=0, weights=weight)
    return mean / POINT, np.cov(strengths.T, aweights=weight) / POINT**2

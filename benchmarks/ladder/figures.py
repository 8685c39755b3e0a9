"""The long table: how many times our episodes a Kaggle-like ladder needs, and what intervals hold.

Worlds 0 to 9,999 of a league are for tuning. `REPORTED` begins the worlds of this table and `SHORT`
those of `make bench`: no constant may be chosen on either.
"""

from collections.abc import Callable, Iterable, Sequence
from multiprocessing import get_context
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from benchmarks.ladder.kaggle import KaggleLike
from benchmarks.ladder.leagues import PROGRESS, Calendar, Ladder, arriving, static
from benchmarks.ladder.ours import Ours
from benchmarks.ladder.world import Floats, Indexes, World
from benchmarks.measure import Row

REPORTED, SHORT = 10_000, 20_000
RESAMPLES = 300

OUR_MARKS = (5, 10, 15, 20, 25, 30, 35, 40, 50, 60, 70, 80, 90, 100, 120)
KAGGLE_MARKS = (*OUR_MARKS, 140, 160, 200, 240, 300, 360)
CROWD_MARKS = (20, 40, 80)
BUDGETS = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0)
TAU, REGRET, COVERAGE = 0, 2, 3  # columns of the measures

LADDERS = ("ours", "kaggle")


class League(NamedTuple):
    """size: agents that all start at once; None: they arrive and leave."""

    number: int
    worlds: int
    size: int | None = None
    luck: float = 100.0


ARRIVALS = League(0, 12)
STATIC = League(1, 40, 60)
SMALL = League(2, 80, 20)
LUCKY = League(3, 40, 60, 300.0)
CROWD = League(4, 1, 300)


class Run(NamedTuple):
    league: League
    ladder: str
    world: int
    marks: tuple[float, ...]

    def measures(self) -> Floats:
        """[marks, 4]: after so many episodes an agent, or at so many times the usual budget."""
        league, rng = self.league, np.random.default_rng([self.league.number, self.world])
        if league.size is None:
            calendar = Calendar.drawn(rng)
            world = World.drawn(len(calendar.teams), rng, luck=league.luck, progress=PROGRESS)
            return np.array(
                [
                    arriving(world, calendar, self._ladder(world, calendar.teams), budget)
                    for budget in self.marks
                ]
            )
        world = World.drawn(league.size, rng, luck=league.luck)
        return static(world, self._ladder(world, np.arange(league.size)), self.marks)

    def _ladder(self, world: World, teams: Indexes) -> Ladder:
        """From the start, ours plays on: where it stops is another matter than how fast it is."""
        rng = np.random.default_rng([self.league.number, self.world, LADDERS.index(self.ladder)])
        if self.ladder == "ours":
            return Ours(world, teams, rng, settles=self.league == ARRIVALS)
        return KaggleLike(world, teams, rng)


Curves = dict[Run, Floats]


def runs(league: League, start: int) -> Iterable[Run]:
    ours, theirs = {
        ARRIVALS: ((1.0,), BUDGETS),
        CROWD: (CROWD_MARKS, ()),
    }.get(league, (OUR_MARKS, KAGGLE_MARKS))
    for world in range(start, start + league.worlds):
        yield Run(league, "ours", world, ours)
        if theirs:
            yield Run(league, "kaggle", world, theirs)


def played(todo: Sequence[Run], processes: int) -> Curves:
    """Every run's measures, with a bar on a terminal."""
    with get_context("spawn").Pool(processes) as pool:
        done = pool.imap(Run.measures, todo)
        bar = tqdm(done, "simulated leagues", len(todo), unit="league", smoothing=0)
        return dict(zip(todo, bar, strict=True))


def long_table(processes: int = 1) -> list[Row]:
    leagues = (CROWD, ARRIVALS, STATIC, SMALL, LUCKY)
    curves = played([run for league in leagues for run in runs(league, REPORTED)], processes)
    return [
        _budget(curves, TAU, "whole table", 1.3, 1.6),
        _budget(curves, REGRET, "top 10", 2.2, 3.5),
        _episodes(curves, STATIC, TAU, 0.85, "60 agents from the start, to tau .85", 1.2),
        _episodes(curves, STATIC, REGRET, 10.0, "the same, to a regret of 10 Elo", 1.4),
        _episodes(curves, SMALL, TAU, 0.85, "20 agents, to tau .85", 1.25),
        _episodes(curves, LUCKY, TAU, 0.80, "300 Elo of luck in the seed, to tau .80", 1.2),
        _episodes(curves, LUCKY, REGRET, 10.0, "the same, to a regret of 10 Elo", 1.6),
        _coverage(curves, ARRIVALS, "agents arriving and leaving"),
        _coverage(curves, STATIC, "60 agents"),
        _coverage(curves, SMALL, "20 agents"),
        _coverage(curves, LUCKY, "300 Elo of luck in the seed", 0.99),
        _coverage(curves, CROWD, f"{CROWD.size} agents at once"),
    ]


def _stack(curves: Curves, league: League, ladder: str) -> Floats:
    """[worlds, marks, 4]"""
    return np.array(
        [curve for run, curve in curves.items() if (run.league, run.ladder) == (league, ladder)]
    )


def reached(curve: Floats, marks: Sequence[float], value: float, measure: int) -> float:
    """The mark at which a mean curve reaches the value for good, between marks on a log scale."""
    sign = -1.0 if measure == REGRET else 1.0
    best = np.maximum.accumulate(sign * curve)
    if sign * value > best[-1]:
        return np.inf
    return float(np.exp(np.interp(sign * value, best, np.log(marks))))


def _ratio(
    ours: Floats, theirs: Floats, measure: int, ratio: Callable[[Floats, Floats], float]
) -> tuple[float, float]:
    """Of the mean curves, and its standard error by drawing the worlds again."""
    rng = np.random.default_rng(1)
    draws = []
    for _ in range(RESAMPLES):
        picked = rng.integers(0, len(ours), len(ours))
        draws.append(ratio(ours[picked, :, measure].mean(0), theirs[picked, :, measure].mean(0)))
    whole = ratio(ours[:, :, measure].mean(0), theirs[:, :, measure].mean(0))
    return whole, float(np.std(np.minimum(draws, BUDGETS[-1])))


def _budget(curves: Curves, measure: int, what: str, least: float, better: float) -> Row:
    ours, theirs = (_stack(curves, ARRIVALS, ladder) for ladder in LADDERS)
    value, error = _ratio(
        ours, theirs, measure, lambda a, b: reached(b, BUDGETS, float(a[0]), measure)
    )
    return Row(
        f"agents arriving and leaving, {what}: a Kaggle-like ladder needs",
        f"{value:.2f} ± {error:.2f} times ours",
        f"{least}, better {better}",
        value >= least,
    )


def _episodes(
    curves: Curves, league: League, measure: int, target: float, what: str, least: float
) -> Row:
    ours, theirs = (_stack(curves, league, ladder) for ladder in LADDERS)
    value, error = _ratio(
        ours,
        theirs,
        measure,
        lambda a, b: (
            reached(b, KAGGLE_MARKS, target, measure) / reached(a, OUR_MARKS, target, measure)
        ),
    )
    mine = reached(ours[:, :, measure].mean(0), OUR_MARKS, target, measure)
    return Row(
        what,
        f"{value:.2f} ± {error:.2f} times our {mine:.0f} episodes an agent",
        f"{least}",
        value >= least,
    )


def _coverage(curves: Curves, league: League, what: str, most: float = 0.98) -> Row:
    """Of the marks from ten episodes an agent on, the lowest and the highest."""
    shares = _stack(curves, league, "ours")[:, :, COVERAGE].mean(axis=0)
    marks = next(run.marks for run in curves if (run.league, run.ladder) == (league, "ours"))
    shares = shares[[mark >= 10 or len(marks) == 1 for mark in marks]]
    low, high = float(shares.min()), float(shares.max())
    return Row(
        f"truth inside the 95 % intervals, {what}",
        f"{low:.3f}" if low == high else f"{low:.3f} to {high:.3f}",
        f".92 to {most:.2f}".replace("0.", "."),
        low >= 0.92 and high <= most,
    )

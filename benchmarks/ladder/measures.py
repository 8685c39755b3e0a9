"""What a ladder is judged by, against the truth."""

from typing import NamedTuple

import numpy as np

from benchmarks.ladder.world import Floats

PRIZES = 10
TOLERANCE = 15.0  # Elo points


class Measures(NamedTuple):
    """tau: Kendall's, of the whole table. tolerant: share of the shown top ten that is truly within
    15 Elo of the true tenth. regret: true Elo that the shown top ten lacks on average. coverage:
    share of the truths inside the 95 % intervals.
    """

    tau: float
    tolerant: float
    regret: float
    coverage: float


def measured(elos: Floats, errors: Floats, truth: Floats) -> Measures:
    places = np.triu_indices(len(truth), 1)
    shown, true = (np.sign(x[places[0]] - x[places[1]]) for x in (elos, truth))
    best = np.sort(truth)[::-1][:PRIZES]
    top = truth[np.argsort(-elos, kind="stable")[:PRIZES]]
    misses = np.abs(elos - elos.mean() - truth + truth.mean())
    return Measures(
        tau=float((shown * true).mean()),
        tolerant=float((top >= best[-1] - TOLERANCE).mean()),
        regret=float(best.mean() - top.mean()),
        coverage=float((misses <= 1.96 * errors).mean()),
    )

"""The likelihood of results under Davidson's model, averaged over a normal spread of every gap."""

import math
from typing import NamedTuple

import numpy as np

from evaluation.ladder.counts import Floats

SEATS = np.array([[1.0], [-1.0]])  # `low` of a pair sits first in row 0, second in row 1

# Places and weights of the Gauss-Hermite rule for averages over a normal distribution.
NODES = ((0.0, 2 / 3), (math.sqrt(3), 1 / 6), (-math.sqrt(3), 1 / 6))


class Chances(NamedTuple):
    """[2, B] each: the chances of the outcomes and their products, averaged over the blur."""

    win: Floats
    tie: Floats
    loss: Floats
    win_loss: Floats
    win_tie: Floats
    loss_tie: Floats

    @classmethod
    def of(cls, gaps: Floats, blur: Floats, game: Floats) -> "Chances":
        """No difference of nearly equal numbers is taken: a million to nothing is exact, too."""
        half, nu = np.exp((gaps + SEATS * game[0]) / 2), math.exp(game[1])
        sums = np.zeros((6, *half.shape))
        for place, weight in NODES if blur.any() else ((0.0, 1.0),):
            win = half * np.exp(blur * (place / 2)) if place else half
            loss = 1 / win
            share = 1 / (win + nu + loss)
            weighted = weight * share
            square = weighted * share
            for total, term in zip(
                sums,
                (win * weighted, weighted, loss * weighted, square, win * square, loss * square),
                strict=True,
            ):
                total += term
        sums[[1, 4, 5]] *= nu
        return cls(*sums)


def derivatives(
    chances: Chances,
    wins: Floats,
    draws: Floats,
    losses: Floats,
    pull: Floats,
    information: Floats,
) -> tuple[float, float]:
    """Fill in pull and information of the pairs for these pairs and return their game_slope."""
    win, tie, loss, win_loss, win_tie, loss_tie = chances
    slope = wins * (loss + tie / 2) - losses * (win + tie / 2) - draws * (win - loss) / 2
    episodes = wins + draws + losses
    tt = episodes * (win_tie + loss_tie)
    dt = episodes * (loss_tie - win_tie) / 2
    dd = tt / 4 + episodes * win_loss  # d: the log odds of an episode
    pull[:] = slope[0] + slope[1]
    np.add(dd[0], dd[1], out=information[0])
    np.subtract(dd[0], dd[1], out=information[1])
    np.add(dt[0], dt[1], out=information[2])
    np.subtract(dt[0], dt[1], out=information[3])
    np.add(tt[0], tt[1], out=information[4])
    draw_slope = draws * (win + loss) - (wins + losses) * tie
    return float(slope[0].sum() - slope[1].sum()), float(draw_slope.sum())

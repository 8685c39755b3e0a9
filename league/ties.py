"""Who on a ladder cannot be told apart from whom: the difference is within its own error."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from league import ratings
from league.models import Entrant

# A difference of fewer standard errors than this may be chance (95 % confidence).
TOLD_APART = 1.96
RUNS_SHOWN = 3

Run = tuple[int, int]


@dataclass(frozen=True)
class Field:
    """Everybody whom the last fit has ranked, with the covariance of their ratings if it is kept.

    size: of the whole ladder, with those that the next fit will rank. ranks, elos: [N]. variance:
    [N] Elo points squared; covariance: [N, N] or None.
    """

    size: int

    places: dict[int, int]
    ranks: NDArray[np.int64]
    elos: NDArray[np.float64]
    variance: NDArray[np.float64]
    covariance: NDArray[np.float64] | None

    def level(self, entrant_id: int) -> list[Run]:
        """The ranks that this entrant cannot be told apart from, its own among them, as runs.

        Empty while the last fit does not know it.
        """
        place = self.places.get(entrant_id)
        if place is None:
            return []
        spread = self.variance + self.variance[place]
        if self.covariance is not None:
            spread = spread - 2 * self.covariance[place]
        gap = np.abs(self.elos - self.elos[place])
        is_level = gap < TOLD_APART * np.sqrt(spread.clip(0.0))
        is_level[place] = True
        return runs(self.ranks[is_level].tolist())


def field_of(competition_id: int) -> Field:
    """Reads ratings and covariance once; what is asked of the field afterwards reads nothing."""
    wanted = ("competition_id", "rating__elo", "rating__se", "rating__rank")
    rows = Entrant.objects.playing().filter(competition=competition_id)
    playing = list(rows.select_related("rating").only(*wanted))
    entrants = [entrant for entrant in playing if entrant.rating.rank]
    covariance = ratings.covariance(competition_id, entrants)
    errors = np.array([entrant.rating.se for entrant in entrants], dtype=np.float64)
    return Field(
        size=len(playing),
        places={entrant.pk: place for place, entrant in enumerate(entrants)},
        ranks=_places([entrant.rating.rank or 0 for entrant in entrants]),
        elos=np.array([entrant.rating.elo for entrant in entrants], dtype=np.float64),
        variance=errors**2 if covariance is None else covariance.diagonal(),
        covariance=covariance,
    )


def _places(ranks: Sequence[int]) -> NDArray[np.int64]:
    """Ranks of which equal ones follow each other: 1, 1, 3 becomes 1, 2, 3."""
    order = np.argsort(np.array(ranks, dtype=np.int64), kind="stable")
    places = np.empty(len(ranks), dtype=np.int64)
    places[order] = np.arange(1, len(ranks) + 1)
    return places


def runs(numbers: Iterable[int]) -> list[Run]:
    """`[2, 3, 4, 7]` as `[(2, 4), (7, 7)]`."""
    found: list[Run] = []
    for number in sorted(set(numbers)):
        if found and number == found[-1][1] + 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found


def run_words(found: Sequence[Run]) -> str:
    """As text, for people; of many runs the first three."""
    shown = (str(low) if low == high else f"{low}–{high}" for low, high in found[:RUNS_SHOWN])
    return ", ".join(shown) + (" …" if len(found) > RUNS_SHOWN else "")

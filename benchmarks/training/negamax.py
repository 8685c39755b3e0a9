"""A yardstick that knows nothing but the rules: full-width search to a fixed depth."""

import random
from collections.abc import Callable, Sequence
from typing import Any

from evaluation.envs.connectx.search import as_bits, winning_cells


def negamax(depth: int, seed: int = 0) -> Callable[[Any, Any], int]:
    """An agent that looks `depth` plies ahead, its own move and replies together.

    It takes the soonest win that it can force within them, avoids what loses within them, and
    else puts a defeat off; what they do not decide counts as a draw. Of equals it draws one,
    each equally likely. seed: of these draws.
    """
    rng = random.Random(seed)

    def agent(observation: Any, configuration: Any) -> int:
        size = configuration["rows"], configuration["columns"], configuration["inarow"]
        values = column_values(observation["board"], observation["mark"], *size, depth)
        best = max(values.values())
        return rng.choice([column for column, value in values.items() if value == best])

    return agent


def column_values(
    board: Sequence[int], mark: int, rows: int, columns: int, inarow: int, depth: int
) -> dict[int, int]:
    """Of each legal column, for the mark: 0 undecided, ±(1 + plies left at the end) if decided."""
    mine, theirs, _ = as_bits(board, mark, rows, columns)
    search = _Search(rows, columns, inarow)
    bound = depth + 1
    return {
        column: search.move(mine, theirs, bit, depth, -bound, bound)
        for column in range(columns)
        if (bit := search.landing(mine | theirs) & search.column(column))
    }


class _Search:
    """Alpha-beta, which leaves the values of negamax as they are."""

    def __init__(self, rows: int, columns: int, inarow: int) -> None:
        self.height, self.inarow = rows + 1, inarow
        self.bottom = sum(1 << (column * self.height) for column in range(columns))
        self.full = ((1 << rows) - 1) * self.bottom
        centre_first = sorted(range(columns), key=lambda column: abs(2 * column - columns + 1))
        self.masks = [self.column(column) for column in centre_first]

    def column(self, column: int) -> int:
        return ((1 << (self.height - 1)) - 1) << (column * self.height)

    def landing(self, stones: int) -> int:
        """The cell where a checker would come to rest, of each column that is not full."""
        return (stones + self.bottom) & self.full

    def move(self, mine: int, theirs: int, bit: int, depth: int, low: int, high: int) -> int:
        """The value of dropping into this cell. depth: plies left, this one among them."""
        if winning_cells(mine, self.height, self.inarow) & bit:
            return depth
        return -self.best(theirs, mine | bit, depth - 1, -high, -low)

    def best(self, mine: int, theirs: int, depth: int, low: int, high: int) -> int:
        cells = self.landing(mine | theirs)
        if depth == 0 or not cells:
            return 0
        if winning_cells(mine, self.height, self.inarow) & cells:
            return depth
        best = -depth
        for mask in self.masks:
            if bit := cells & mask:
                value = -self.best(theirs, mine | bit, depth - 1, -high, -max(low, best))
                best = max(best, value)
                if best >= high:
                    break
        return best

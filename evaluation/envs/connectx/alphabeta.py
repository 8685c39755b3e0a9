"""Alpha-beta search on bit sets: forced replies, the centre first, ever deeper within a budget."""

from collections.abc import Sequence
from random import random

from .search import as_bits, winning_cells  # noqa: TID252 - see connectx.py

POSITIONS = 2_500
WIN = 10_000


def best_column(board: Sequence[int], mark: int, rows: int, columns: int, inarow: int) -> int:
    mine, theirs, filled = as_bits(board, mark, rows, columns)
    search = AlphaBeta(rows, columns, inarow, filled)
    return search.deepen(mine, theirs)


class AlphaBeta:
    def __init__(self, rows: int, columns: int, inarow: int, filled: list[int]) -> None:
        self.rows = rows
        self.inarow = inarow
        self.height = rows + 1
        self.filled = filled
        self.board = sum(((1 << rows) - 1) << (column * self.height) for column in range(columns))
        # The centre first; equals in an order drawn anew for every move.
        self.order = sorted(range(columns), key=lambda c: (abs(2 * c - columns + 1), random()))
        self.visited = 0

    def deepen(self, mine: int, theirs: int) -> int:
        """The best column of the deepest search that the budget allows."""
        left = len(self.filled) * self.rows - sum(self.filled)
        best, depth = self.order[0], 0
        while depth < left and self.visited * 3 < POSITIONS:
            depth += 1
            score, best = self.best(mine, theirs, depth, -WIN, WIN)
            if abs(score) > WIN // 2:
                break
        return best

    def best(self, mine: int, theirs: int, depth: int, alpha: int, beta: int) -> tuple[int, int]:
        """The score for the side to move, and its column. depth: plies left to look at."""
        self.visited += 1
        cells = self._candidates()
        if not cells:
            return 0, -1
        own = winning_cells(mine, self.height, self.inarow)
        other = winning_cells(theirs, self.height, self.inarow)
        for column, cell in cells:
            if own & cell:
                return WIN - (mine | theirs).bit_count(), column
        if depth == 0:
            empty = self.board & ~(mine | theirs)
            return (own & empty).bit_count() - (other & empty).bit_count(), cells[0][0]
        forced = [(column, cell) for column, cell in cells if other & cell]
        best_score, best_column = -WIN, (forced or cells)[0][0]
        for column, cell in forced[:1] or cells:
            self.filled[column] += 1
            score = -self.best(theirs, mine | cell, depth - 1, -beta, -max(alpha, best_score))[0]
            self.filled[column] -= 1
            if score > best_score:
                best_score, best_column = score, column
            if best_score >= beta:
                break
        return best_score, best_column

    def _candidates(self) -> list[tuple[int, int]]:
        """Open columns, each with the cell that a checker would fall to."""
        return [
            (column, 1 << (column * self.height + self.filled[column]))
            for column in self.order
            if self.filled[column] < self.rows
        ]

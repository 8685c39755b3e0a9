"""Negamax on integers as bit sets: a column has rows + 1 bits, the top one always empty."""

from collections.abc import Sequence
from random import choice

DEPTH = 4
NODES = 5_000


def best_column(board: Sequence[int], mark: int, rows: int, columns: int, inarow: int) -> int:
    """The move that a full search finds best: five plies deep, fewer on very wide boards.

    Every node is visited and every tie drawn for, in kaggle-environments' order, so that a
    seeded game is the same game there.
    """
    search = Search(rows, columns, inarow)
    mine, theirs, search.filled = as_bits(board, mark, rows, columns)
    depth = DEPTH
    while columns**depth > NODES and depth > 1:
        depth -= 1
    _, best = search.negamax(mine, theirs, sum(search.filled), depth)
    return best


def as_bits(board: Sequence[int], mark: int, rows: int, columns: int) -> tuple[int, int, list[int]]:
    """The mark's checkers, the opponent's, and how many each column holds."""
    stones, filled = {mark: 0, 3 - mark: 0}, [0] * columns
    for cell, owner in enumerate(board):
        if owner:
            row, column = divmod(cell, columns)
            stones[owner] |= 1 << (column * (rows + 1) + rows - 1 - row)
            filled[column] += 1
    return stones[mark], stones[3 - mark], filled


def winning_cells(mine: int, height: int, inarow: int) -> int:
    """Cells where one more checker completes a line, whoever holds them.

    height: bits of a column, so the distance of two neighbours in a row.
    """
    reach = inarow - 1
    winning = _run(mine, 1, reach)[reach]
    for stride in (height - 1, height, height + 1):
        behind, ahead = _run(mine, stride, reach), _run(mine, -stride, reach)
        for count in range(inarow):
            winning |= behind[count] & ahead[reach - count]
    return winning


class Search:
    """kaggle-environments' search: no pruning, and a leaf is worth its neighbours."""

    def __init__(self, rows: int, columns: int, inarow: int) -> None:
        self.rows = rows
        self.columns = columns
        self.inarow = inarow
        self.height = rows + 1
        self.size = rows * columns
        self.filled = [0] * columns

    def negamax(self, mine: int, theirs: int, moves: int, depth: int) -> tuple[float, int]:
        """The score for the side to move and its column (-1 where the board is full)."""
        open_columns = [
            (column, 1 << (column * self.height + filled))
            for column, filled in enumerate(self.filled)
            if filled < self.rows
        ]
        if not open_columns:
            return 0, -1
        sooner_is_better = (self.size + 1 - moves) / 2
        winning = winning_cells(mine, self.height, self.inarow)
        if winning:
            for column, cell in open_columns:
                if winning & cell:
                    return sooner_is_better, column
        best_score, best = float(-self.size), -1
        for column, cell in open_columns:
            if depth > 0:
                self.filled[column] += 1
                score = -self.negamax(theirs, mine | cell, moves + 1, depth - 1)[0]
                self.filled[column] -= 1
            else:
                score = sooner_is_better + self._neighbours(mine, cell, self.filled[column])
            if score > best_score or (score == best_score and choice((True, False))):
                best_score, best = score, column
        return best_score, best

    def _neighbours(self, mine: int, cell: int, filled: int) -> int:
        """Own checkers beside and, from the third row up, under the cell."""
        count = 1 if mine & (cell >> self.height) else 0
        if mine & (cell << self.height):
            count += 1
        if filled > 1 and mine & (cell >> 1):
            count += 1
        return count


def _run(mine: int, stride: int, reach: int) -> list[int]:
    """By n: the cells that have n own checkers in a row right before them; -1 is every cell."""
    runs, run, shifted = [-1], -1, mine
    for _ in range(reach):
        shifted = shifted << stride if stride > 0 else shifted >> -stride
        run &= shifted
        runs.append(run)
    return runs

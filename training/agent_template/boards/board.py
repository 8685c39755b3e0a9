"""The rules on bit sets: Python ints in which bit `column * (rows + 1) + height` is a cell.

The bit above each column stays empty, so that no line runs from one column into the next.
"""

from collections.abc import Callable, Sequence

# Of one position: my stones, the other's, empty cells that complete a line of mine, of the other's.
Sets = tuple[int, int, int, int]


class Board:
    """falls: whether a stone drops to the lowest empty cell of its column; an action is then a
    column, otherwise a cell in the engine's order, row by row from the top left."""

    def __init__(self, rows: int, columns: int, inarow: int, falls: bool) -> None:
        self.rows, self.columns, self.inarow, self.falls = rows, columns, inarow, falls
        self.height = rows + 1
        self.size, self.length = rows * columns, columns * self.height
        self.foot = sum(1 << column * self.height for column in range(columns))
        self.cells = self.foot * ((1 << rows) - 1)
        self.playable = self._playable()
        self.places = [
            column * self.height + rows - 1 - row
            for row in range(rows)
            for column in range(columns)
        ]
        self.strides = strides_of(rows, columns, inarow)
        self.completing = compile_completing(self.strides, inarow)
        # Playing right under one of the other's completing cells hands it over, if stones fall.
        self.drop = 1 if falls else self.length
        self.choices = self._choices()
        self.mirrors = self._mirrors()

    def _playable(self) -> Callable[[int], int]:
        """A function of the filled cells: those where the next stone can come to lie."""
        foot, cells = self.foot, self.cells
        if self.falls:
            return lambda filled: (filled + foot) & cells
        return lambda filled: ~filled & cells

    def _choices(self) -> list[tuple[int, int]]:
        """Each action with the cells it may reach, the centre first."""
        if self.falls:
            column = (1 << self.rows) - 1
            masks = [column << number * self.height for number in range(self.columns)]
        else:
            masks = [1 << place for place in self.places]
        return sorted(enumerate(masks), key=lambda choice: self._eccentricity(choice[0]))

    def _eccentricity(self, action: int) -> int:
        if self.falls:
            return abs(2 * action - self.columns + 1)
        row, column = divmod(action, self.columns)
        return abs(2 * row - self.rows + 1) + abs(2 * column - self.columns + 1)

    def _mirrors(self) -> list[tuple[list[int], list[int]]]:
        """Turned boards, the first as it is: which cell is seen in each cell, which action each."""
        rows, columns = range(self.rows), range(self.columns)
        grid = [[row * self.columns + column for column in columns] for row in rows]
        turned = [grid, [row[::-1] for row in grid]]
        if not self.falls:
            turned += [board[::-1] for board in turned]
            if self.rows == self.columns:
                turned += [[list(line) for line in zip(*board, strict=True)] for board in turned]
        flat = [[cell for row in board for cell in row] for board in turned]
        return [(cells, cells[: self.columns] if self.falls else cells) for cells in flat]

    def sets(self, board: Sequence[int], mark: int) -> tuple[int, int]:
        """The stones of this mark and the other's, of the engine's board."""
        return self._set_of(board, mark), self._set_of(board, 3 - mark)

    def _set_of(self, board: Sequence[int], mark: int) -> int:
        digits = "".join("01"[cell == mark] for cell in board)
        columns = (digits[column :: self.columns] for column in reversed(range(self.columns)))
        return int("0".join(columns), 2)

    def position(self, mine: int, theirs: int) -> Sets:
        filled = mine | theirs
        empty = self.cells & ~filled
        return mine, theirs, self.completing(mine) & empty, self.completing(theirs) & empty


def strides_of(rows: int, columns: int, inarow: int) -> list[int]:
    """From one cell of a line to the next, for each axis that is long enough for one."""
    upright, level = rows >= inarow, columns >= inarow
    tall = rows + 1
    return [1] * upright + [tall] * level + [tall - 1, tall + 1] * (upright and level)


def compile_completing(strides: list[int], inarow: int) -> Callable[[int], int]:
    """A function of stones: the cells, on the board or not, that complete a line of them.

    It is written out for the board, since that makes it four times as fast as loops are.
    """
    lines = ["def completing(stones):", "    found = 0"]
    for stride in strides:
        for side, shift in (("below", "<<"), ("above", ">>")):
            for count in range(1, inarow):
                further = f"{side}{count - 1} & " if count > 1 else ""
                lines.append(f"    {side}{count} = {further}(stones {shift} {stride * count})")
        for count in range(inarow):
            ends = {"below": count, "above": inarow - 1 - count}
            pair = [f"{side}{length}" for side, length in ends.items() if length]
            lines.append("    found |= " + (" & ".join(pair) or "-1"))
    namespace: dict[str, Callable[[int], int]] = {}
    exec("\n".join([*lines, "    return found"]), namespace)
    return namespace["completing"]

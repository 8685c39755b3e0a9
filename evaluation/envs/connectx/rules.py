"""The rules of ConnectX as pure functions of plain data; no chance in this game."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

EMPTY = 0
PLAYING, WON, DRAWN, ILLEGAL = "playing", "won", "drawn", "illegal"


class State(NamedTuple):
    """board: cells row by row from the top left. mover: the seat to move; mark: its checkers.

    outcome: of the last move, which was the mover's where the game is over. cell: where it fell.
    """

    board: list[int]
    rows: int
    columns: int
    inarow: int
    mover: int = 0
    mark: int = 1
    outcome: str = PLAYING
    cell: int | None = None


def step(state: State, actions: Sequence[Any], chance: None = None) -> State:
    """The state after the mover's action; an action that the rules forbid changes no cell."""
    board, rows, columns, inarow, mover, mark, _, _ = state
    board, outcome, cell = drop(board, actions[mover], mark, rows, columns, inarow)
    if outcome == PLAYING:
        mover, mark = 1 - mover, 3 - mark
    return State(board, rows, columns, inarow, mover, mark, outcome, cell)


def drop(
    board: list[int], column: Any, mark: int, rows: int, columns: int, inarow: int
) -> tuple[list[int], str, int | None]:
    """The board after a checker of this mark, the outcome, and the cell where it fell."""
    if not is_legal(board, column, columns):
        return board, ILLEGAL, None
    cell = landing_cell(board, column, columns)
    board = board[:]
    board[cell] = mark
    if wins(board, cell, rows, columns, inarow):
        return board, WON, cell
    return board, PLAYING if EMPTY in board else DRAWN, cell


def is_legal(board: Sequence[int], column: Any, columns: int) -> bool:
    return isinstance(column, int) and 0 <= column < columns and board[column] == EMPTY


def legal_columns(board: Sequence[int], columns: int) -> list[int]:
    return [column for column in range(columns) if board[column] == EMPTY]


def landing_cell(board: Sequence[int], column: int, columns: int) -> int:
    """The lowest empty cell of a column that is not full."""
    cell = len(board) - columns + column
    while board[cell] != EMPTY:
        cell -= columns
    return cell


def wins(board: Sequence[int], cell: int, rows: int, columns: int, inarow: int) -> bool:
    """Whether the checker in this cell is part of a long enough line."""
    mark = board[cell]
    for forth, back in _axes(cell, rows, columns, inarow):
        run = 1
        for index in forth:
            if board[index] != mark:
                break
            run += 1
        for index in back:
            if board[index] != mark:
                break
            run += 1
        if run >= inarow:
            return True
    return False


def line(board: Sequence[int], cell: int, rows: int, columns: int, inarow: int) -> list[int]:
    """The cells of a winning line through this cell, in order; empty where there is none."""
    for forth, back in _axes(cell, rows, columns, inarow):
        cells = [*_run(board, cell, back)[::-1], cell, *_run(board, cell, forth)]
        if len(cells) >= inarow:
            return cells
    return []


def _run(board: Sequence[int], cell: int, ray: Sequence[int]) -> list[int]:
    run: list[int] = []
    for index in ray:
        if board[index] != board[cell]:
            break
        run.append(index)
    return run


@lru_cache(maxsize=1024)
def _axes(
    cell: int, rows: int, columns: int, inarow: int
) -> tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]:
    """The cells within reach of a line on either side, for each of the four axes."""
    row, column = divmod(cell, columns)

    def ray(down: int, right: int) -> tuple[int, ...]:
        places = ((row + down * i, column + right * i) for i in range(1, inarow))
        return tuple(r * columns + c for r, c in places if 0 <= r < rows and 0 <= c < columns)

    return (
        (ray(1, 0), ()),
        (ray(0, 1), ray(0, -1)),
        (ray(1, 1), ray(-1, -1)),
        (ray(1, -1), ray(-1, 1)),
    )

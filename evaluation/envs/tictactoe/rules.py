"""The rules of tic-tac-toe as pure functions of plain data; no chance in this game."""

from collections.abc import Sequence
from typing import Any, NamedTuple

EMPTY = 0
PLAYING, WON, DRAWN, ILLEGAL = "playing", "won", "drawn", "illegal"
LINES = (
    (0, 1, 2),
    (3, 4, 5),
    (6, 7, 8),
    (0, 3, 6),
    (1, 4, 7),
    (2, 5, 8),
    (0, 4, 8),
    (2, 4, 6),
)


class State(NamedTuple):
    """board: nine cells row by row. mover: the seat to move; mark: what it places.

    outcome: of the last move, which was the mover's where the game is over.
    """

    board: list[int]
    mover: int = 0
    mark: int = 1
    outcome: str = PLAYING


def step(state: State, actions: Sequence[Any], chance: None = None) -> State:
    """The state after the mover's action; an action that the rules forbid changes no cell."""
    cell = actions[state.mover]
    if not is_legal(state.board, cell):
        return state._replace(outcome=ILLEGAL)
    board = state.board[:]
    board[cell] = state.mark
    if winning_line(board, state.mark):
        return state._replace(board=board, outcome=WON)
    if EMPTY not in board:
        return state._replace(board=board, outcome=DRAWN)
    return state._replace(board=board, mover=1 - state.mover, mark=3 - state.mark)


def is_legal(board: Sequence[int], cell: Any) -> bool:
    return isinstance(cell, int) and 0 <= cell < len(board) and board[cell] == EMPTY


def legal_cells(board: Sequence[int]) -> list[int]:
    return [cell for cell, mark in enumerate(board) if mark == EMPTY]


def winning_line(board: Sequence[int], mark: int) -> tuple[int, ...]:
    """Three cells in a row with this mark; empty where there are none."""
    for line in LINES:
        first, second, third = line
        if board[first] == mark and board[second] == mark and board[third] == mark:
            return line
    return ()

"""Every game of tic-tac-toe that an agent can meet, in either seat."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from evaluation.envs.tictactoe.rules import ILLEGAL, PLAYING, WON, State, legal_cells, step

Boards = np.ndarray[Any, np.dtype[np.int8]]
Choose = Callable[[Boards], Sequence[int] | np.ndarray[Any, np.dtype[np.int64]]]
Line = tuple[int, ...]  # the cells of a game, first to last


def lost_lines(choose: Choose) -> list[Line]:
    """The games that `choose` loses, by its own illegal move or another's win; none if perfect.

    choose: a cell for each board (int8[N, 9], as the engine has them), the same for equal boards.
    It is asked for all positions of a ply at once; of the other seat, every reply is tried.
    """
    return [line for seat in (0, 1) for line in _lost_from(choose, seat)]


def _lost_from(choose: Choose, seat: int) -> list[Line]:
    playing: dict[Line, State] = {(): State([0] * 9)}
    lost: list[Line] = []
    while playing:
        mover = next(iter(playing.values())).mover
        moves = _own(choose, playing) if mover == seat else _all(playing)
        after = {(*line, cell): step(playing[line], [cell, cell]) for line, cell in moves}
        defeat = ILLEGAL if mover == seat else WON
        lost += [line for line, state in after.items() if state.outcome == defeat]
        playing = {line: state for line, state in after.items() if state.outcome == PLAYING}
    return lost


def _own(choose: Choose, playing: dict[Line, State]) -> list[tuple[Line, int]]:
    boards = np.array([state.board for state in playing.values()], np.int8)
    return [(line, int(cell)) for line, cell in zip(playing, choose(boards), strict=True)]


def _all(playing: dict[Line, State]) -> list[tuple[Line, int]]:
    return [(line, cell) for line, state in playing.items() for cell in legal_cells(state.board)]

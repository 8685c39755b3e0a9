"""The enumeration finds no lost game of a perfect player, and the lost ones of others."""

from functools import cache

import numpy as np
import pytest

from benchmarks.training.tictactoe import lost_lines
from evaluation import make
from evaluation.envs.tictactoe.rules import DRAWN, WON, State, legal_cells, step


@cache
def value(board, mark):
    """Of a position in play to the mark that is to move: 1 won, 0 drawn, -1 lost."""
    return max(move_value(board, mark, cell) for cell in legal_cells(board))


def move_value(board, mark, cell):
    after = step(State(list(board), 0, mark), [cell, None])
    if after.outcome == WON:
        return 1
    return 0 if after.outcome == DRAWN else -value(tuple(after.board), 3 - mark)


def best_cells(board):
    mark = 1 + sum(cell != 0 for cell in board) % 2
    values = {cell: move_value(board, mark, cell) for cell in legal_cells(board)}
    return [cell for cell, worth in values.items() if worth == max(values.values())]


@pytest.mark.parametrize("pick", [0, -1])
def test_a_perfect_player_loses_no_game(pick):
    asked = set()

    def choose(boards):
        asked.update(map(tuple, boards.tolist()))
        return [best_cells(tuple(board))[pick] for board in boards.tolist()]

    assert lost_lines(choose) == []
    assert len(asked) > 100


def test_one_error_of_a_perfect_player_is_found():
    """Against a corner opening only the centre holds."""

    def choose(boards):
        after_corner = [1, *[0] * 8]
        return [
            1 if board == after_corner else best_cells(tuple(board))[0] for board in boards.tolist()
        ]

    lines = lost_lines(choose)
    assert lines
    assert all(line[:2] == (0, 1) for line in lines)


def test_lost_lines_are_lost_in_the_engine():
    lines = lost_lines(lambda boards: [int(np.flatnonzero(board == 0)[0]) for board in boards])
    seats = set()
    for line in lines:
        env = make("tictactoe")
        env.reset()
        for ply, cell in enumerate(line):
            env.step([cell if ply % 2 == seat else None for seat in (0, 1)])
        loser = len(line) % 2
        seats.add(loser)
        assert [seat["reward"] for seat in env.state][loser] == -1
    assert seats == {0, 1}


def test_an_illegal_move_loses():
    lines = lost_lines(lambda boards: [0] * len(boards))
    assert all(line[-1] == 0 for line in lines)
    assert (0, 1, 0) in lines
    assert (0, 0) in lines

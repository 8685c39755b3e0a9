"""Built-in opponents, from random to perfect; they draw from the global `random`."""

from functools import cache
from random import choice
from typing import Any

from .rules import EMPTY, LINES, legal_cells, winning_line  # noqa: TID252 - see tictactoe.py

CENTRE = 4
CORNERS = (0, 2, 6, 8)


def random_agent(obs: Any, config: Any = None) -> int:
    """Any empty cell."""
    return choice(legal_cells(obs.board))


def reaction_agent(obs: Any, config: Any = None) -> int:
    """Completes a line, or stops one, or plays at random."""
    gap = _urgent_cell(obs.board, obs.mark)
    return choice(legal_cells(obs.board)) if gap is None else gap


def tactical_agent(obs: Any, config: Any = None) -> int:
    """Completes or stops a line, then makes a fork, then takes the centre, then a corner."""
    board, mark = obs.board, obs.mark
    gap = _urgent_cell(board, mark)
    if gap is not None:
        return gap
    empty = legal_cells(board)
    forks = [cell for cell in empty if _threats(board, cell, mark) > 1]
    if forks:
        return choice(forks)
    if board[CENTRE] == EMPTY:
        return CENTRE
    return choice([cell for cell in CORNERS if board[cell] == EMPTY] or empty)


def negamax_agent(obs: Any, config: Any = None) -> int:
    """Plays perfectly: the quickest win, else a draw."""
    board, mark = tuple(obs.board), obs.mark
    values = {cell: -_value(_marked(board, cell, mark), 3 - mark) for cell in legal_cells(board)}
    best = max(values.values())
    return choice([cell for cell, value in values.items() if value == best])


def _urgent_cell(board: list[int], mark: int) -> int | None:
    """The cell that completes a line: first one's own, then the opponent's."""
    for owner in (mark, 3 - mark):
        for line in LINES:
            others = [cell for cell in line if board[cell] != owner]
            if len(others) == 1 and board[others[0]] == EMPTY:
                return others[0]
    return None


def _threats(board: list[int], cell: int, mark: int) -> int:
    """Lines that this move would leave one short of complete."""
    lines = [[board[place] for place in line if place != cell] for line in LINES if cell in line]
    return sum(sorted(others) == [EMPTY, mark] for others in lines)


def _marked(board: tuple[int, ...], cell: int, mark: int) -> tuple[int, ...]:
    return (*board[:cell], mark, *board[cell + 1 :])


@cache
def _value(board: tuple[int, ...], mark: int) -> int:
    """What the side to move can reach; sooner wins and later losses count more."""
    empty = legal_cells(board)
    if winning_line(board, 3 - mark):
        return -1 - len(empty)
    return max((-_value(_marked(board, cell, mark), 3 - mark) for cell in empty), default=0)


agents = {
    "random": random_agent,
    "reaction": reaction_agent,
    "tactical": tactical_agent,
    "negamax": negamax_agent,
}

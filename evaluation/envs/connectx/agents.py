"""Built-in opponents, from random to strong; they draw from the global `random`."""

from random import choice
from typing import Any

from . import alphabeta  # noqa: TID252 - see connectx.py
from .rules import EMPTY, landing_cell, legal_columns, wins  # noqa: TID252
from .search import best_column  # noqa: TID252


def random_agent(obs: Any, config: Any) -> int:
    """Any column that is not full."""
    return choice(legal_columns(obs["board"], config["columns"]))


def tactical_agent(obs: Any, config: Any) -> int:
    """Wins or blocks where it can, hands over no winning cell, and likes the centre."""
    board, columns = obs.board, config.columns
    legal = legal_columns(board, columns)
    for mark in (obs.mark, 3 - obs.mark):
        for column in legal:
            if _completes(board, column, mark, config):
                return column
    safe = [column for column in legal if not _hands_over(board, column, obs.mark, config)]
    distance = {column: abs(2 * column - columns + 1) for column in safe or legal}
    nearest = min(distance.values())
    return choice([column for column in distance if distance[column] <= nearest + 2])


def _completes(board: list[int], column: int, mark: int, config: Any) -> bool:
    """Whether this mark wins by dropping into the column."""
    cell = landing_cell(board, column, config.columns)
    board[cell] = mark
    won = wins(board, cell, config.rows, config.columns, config.inarow)
    board[cell] = EMPTY
    return won


def _hands_over(board: list[int], column: int, mark: int, config: Any) -> bool:
    """Whether the opponent wins in the cell above this move."""
    cell = landing_cell(board, column, config.columns)
    if cell < config.columns:
        return False
    board[cell] = mark
    lost = _completes(board, column, 3 - mark, config)
    board[cell] = EMPTY
    return lost


def negamax_agent(obs: Any, config: Any) -> int:
    """Looks five moves ahead; decides, draw for draw, as kaggle-environments' negamax does."""
    return best_column(obs.board, obs.mark, config.rows, config.columns, config.inarow)


def alphabeta_agent(obs: Any, config: Any) -> int:
    """Searches as deep as its budget of positions goes, eight to twelve plies as a rule."""
    return alphabeta.best_column(obs.board, obs.mark, config.rows, config.columns, config.inarow)


agents = {
    "random": random_agent,
    "tactical": tactical_agent,
    "negamax": negamax_agent,
    "alphabeta": alphabeta_agent,
}

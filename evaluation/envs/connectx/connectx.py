"""ConnectX for the engine: specification, interpreter, renderers, built-in agents, summary."""

import json
from pkgutil import get_data
from typing import Any

# Relative, so that kaggle-environments can load this folder as one of its own.
from . import rules  # noqa: TID252
from .agents import agents  # noqa: TID252
from .rules import step  # noqa: TID252

__all__ = [
    "action_schema",
    "agents",
    "html_renderer",
    "interpreter",
    "renderer",
    "specification",
    "step",
    "summary",
]

NUMBERS = {2: "Two", 3: "Three", 4: "Four", 5: "Five", 6: "Six", 7: "Seven", 8: "Eight"}


def _read(name: str) -> str:
    """A file of this folder, which may lie in a zip archive."""
    return (get_data(str(__package__), name) or b"").decode()


specification = json.loads(_read("connectx.json"))


def interpreter(state: list[Any], env: Any) -> list[Any]:
    """One move. A fault of either seat ends the game; the other seat keeps its reward of 0."""
    configuration, shared = env.configuration, state[0]["observation"]
    rows, columns, board = configuration["rows"], configuration["columns"], shared["board"]
    if len(board) != rows * columns:
        board = shared["board"] = [rules.EMPTY] * (rows * columns)
    mover = 0 if state[0]["status"] == "ACTIVE" else 1
    active, waiting = state[mover], state[1 - mover]
    if active["status"] != "ACTIVE" or waiting["status"] != "INACTIVE":
        return state if env.done else _stop(state)
    column, mark = active["action"], active["observation"]["mark"]
    shared["board"], outcome, _ = rules.drop(
        board, column, mark, rows, columns, configuration["inarow"]
    )
    if outcome == rules.PLAYING:
        active["status"], waiting["status"] = "INACTIVE", "ACTIVE"
    elif outcome == rules.ILLEGAL:
        active["status"], waiting["status"] = _complaint(column, columns), "DONE"
    else:
        active["status"] = waiting["status"] = "DONE"
        if outcome == rules.WON:
            active["reward"], waiting["reward"] = 1, -1
    return state


def action_schema(configuration: Any) -> dict[str, Any]:
    """The actions of this board, narrower than what the specification says of any."""
    return {**specification["action"], "maximum": configuration["columns"] - 1}


def _stop(state: list[Any]) -> list[Any]:
    for seat in state:
        if seat.status in ("ACTIVE", "INACTIVE"):
            seat.status = "DONE"
    return state


def _complaint(column: Any, columns: int) -> str:
    if isinstance(column, int) and 0 <= column < columns:
        return f"Column {column} is full."
    return f"There is no such column: they are numbered 0 to {columns - 1}."


def renderer(state: list[Any], env: Any) -> str:
    """The board as text, 0 for an empty cell."""
    board, columns = state[0].observation.board, env.configuration.columns
    bar: str = "+" + "---+" * columns + "\n"
    lines = [
        "| " + " | ".join(map(str, board[start : start + columns])) + " |\n"
        for start in range(0, len(board), columns)
    ]
    return bar + "".join(text + bar for text in lines)


def html_renderer() -> str:
    """The module that draws one step in the browser."""
    return _read("connectx.js")


def summary(steps: list[Any], configuration: dict[str, Any]) -> dict[str, Any]:
    """Why the game ended. winner: a seat from 0; the text counts seats from 1.

    cells: the winning line, as indices of the board.
    """
    board = steps[-1][0]["observation"]["board"]
    rewards = [seat["reward"] for seat in steps[-1]]
    ended: dict[str, Any] = {"winner": None, "decisive_step": None, "cells": []}
    if 1 in rewards:
        winner = rewards.index(1)
        length = configuration["inarow"]
        ended |= {
            "cause": f"{NUMBERS.get(length, length)} in a row for seat {winner + 1}",
            "winner": winner,
            "decisive_step": len(steps) - 1,
            "cells": _winning_line(steps, configuration),
        }
    elif rules.EMPTY in board:
        ended["cause"] = f"Stopped after {len(steps) - 1} moves: a draw"
    else:
        ended["cause"] = "Board full: a draw"
    return ended


def _winning_line(steps: list[Any], configuration: dict[str, Any]) -> list[int]:
    """Through the cell that the last move changed."""
    if len(steps) < 2:
        return []
    before, board = (seats[0]["observation"]["board"] for seats in steps[-2:])
    cell = next(index for index, mark in enumerate(board) if mark != before[index])
    rows, columns, inarow = (configuration[key] for key in ("rows", "columns", "inarow"))
    return rules.line(board, cell, rows, columns, inarow)

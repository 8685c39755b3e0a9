"""Tic-tac-toe for the engine: specification, interpreter, renderers, agents, summary."""

import json
from pkgutil import get_data
from typing import Any

# Relative, so that kaggle-environments can load this folder as one of its own.
from . import rules  # noqa: TID252
from .agents import agents  # noqa: TID252
from .rules import step  # noqa: TID252

__all__ = [
    "agents",
    "html_renderer",
    "interpreter",
    "renderer",
    "specification",
    "step",
    "summary",
]

MARKS = " XO"


def _read(name: str) -> str:
    """A file of this folder, which may lie in a zip archive."""
    return (get_data(str(__package__), name) or b"").decode()


specification = json.loads(_read("tictactoe.json"))


def interpreter(state: list[Any], env: Any) -> list[Any]:
    """One move. A fault of either seat ends the game; the other seat keeps its reward of 0."""
    if env.done:
        return state
    mover = 0 if state[0].status == "ACTIVE" else 1
    active, waiting = state[mover], state[1 - mover]
    if active.status != "ACTIVE" or waiting.status != "INACTIVE":
        return _stop(state)
    shared = state[0].observation
    before = rules.State(shared.board, mover, active.observation.mark)
    after = step(before, [seat.action for seat in state])
    shared.board = after.board
    if after.outcome == rules.ILLEGAL:
        waiting.status = "DONE"
        active.status = f"Cell {active.action} cannot be marked."
    elif after.outcome == rules.PLAYING:
        active.status, waiting.status = "INACTIVE", "ACTIVE"
    else:
        active.status = waiting.status = "DONE"
        if after.outcome == rules.WON:
            active.reward, waiting.reward = 1, -1
    return state


def _stop(state: list[Any]) -> list[Any]:
    for seat in state:
        if seat.status in ("ACTIVE", "INACTIVE"):
            seat.status = "DONE"
    return state


def renderer(state: list[Any]) -> str:
    """The board as text."""
    marks = [MARKS[mark] for mark in state[0].observation.board]
    rows = [" " + " | ".join(marks[start : start + 3]) + " " for start in (0, 3, 6)]
    return "\n---+---+---\n".join(rows)


def html_renderer() -> str:
    """The module that draws one step in the browser."""
    return _read("tictactoe.js")


def summary(steps: list[Any], configuration: dict[str, Any]) -> dict[str, Any]:
    """Why the game ended. winner: a seat from 0; the text counts seats from 1.

    cells: the winning line, as indices of the board.
    """
    board = steps[-1][0]["observation"]["board"]
    rewards = [seat["reward"] for seat in steps[-1]]
    ended: dict[str, Any] = {"winner": None, "decisive_step": None, "cells": []}
    if 1 in rewards:
        winner = rewards.index(1)
        mark = steps[-1][winner]["observation"]["mark"]
        ended |= {
            "cause": f"Three in a row for seat {winner + 1}",
            "winner": winner,
            "decisive_step": len(steps) - 1,
            "cells": list(rules.winning_line(board, mark)),
        }
    elif rules.EMPTY in board:
        ended["cause"] = f"Stopped after {len(steps) - 1} moves: a draw"
    else:
        ended["cause"] = "Board full: a draw"
    return ended

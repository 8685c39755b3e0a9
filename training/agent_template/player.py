"""From what the engine shows to an action: finds the board, keeps to the clock."""

import gc
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from training.agent_template.boards import Board
from training.agent_template.heuristic import Heuristic
from training.agent_template.network import Array, Network
from training.agent_template.planner import Limits, Plan, Planner

SHARE = 0.8  # of a clock that may be used up
MARGIN_S = 0.004  # for what comes after the last look at the clock
DEFAULTS = {"rows": 6, "columns": 7, "inarow": 4}


class Player:
    """Plays any board, with the network where that has the size it was trained on.

    about: "environment" and "configuration" of the training.
    """

    def __init__(self, tensors: dict[str, Array], about: dict[str, Any]) -> None:
        self.tensors, self.trained = tensors, {**DEFAULTS, **about["configuration"]}
        self.falls = about["environment"] != "tictactoe"
        self.size: dict[str, int] = {}

    def plan(self, observation: Any, configuration: Any, limits: Limits, fresh: bool) -> Plan:
        """fresh: whether to forget what was found for earlier moves."""
        size = {key: int(read(configuration, key, self.trained[key])) for key in DEFAULTS}
        if fresh or size != self.size:
            board = Board(**size, falls=self.falls)
            is_trained = size == self.trained
            evaluate = Network(board, self.tensors) if is_trained else Heuristic(board)
            self.size, self.planner = size, Planner(board, evaluate)
        cells = [int(cell) for cell in read(observation, "board", ())]
        cells = cells or [0] * self.planner.board.size
        mark = 1 + (len(cells) - cells.count(0)) % 2
        mark = int(read(observation, "mark", mark))
        return self.planner.plan(*self.planner.board.sets(cells, mark), limits)


def time_limit(
    observation: Any, configuration: Any, move_seconds: float, spent: float = 0.0
) -> float:
    """Seconds to think: the agent's own limit, or what the game's clocks allow if that is less.

    A part of the bank may be used for each move that is left. spent: seconds of this move that
    have passed before.
    """
    board = read(observation, "board", ())
    moves = (len(board) - sum(map(bool, board)) + 1) // 2
    bank = number(read(observation, "remainingOverageTime", 0.0), 0.0) / max(1, moves)
    turn = number(read(configuration, "actTimeout", None), move_seconds)
    return max(0.0, min(move_seconds, SHARE * (turn + bank) - spent) - MARGIN_S)


def read(source: Any, name: str, default: Any) -> Any:
    """An entry of a dictionary, or an attribute: engines show either."""
    try:
        found = source[name]
    except (KeyError, TypeError, AttributeError):
        found = getattr(source, name, None)
    return default if found is None else found


def number(value: Any, default: float) -> float:
    try:
        found = float(value)
    except (TypeError, ValueError):
        return default
    return max(0.0, found) if math.isfinite(found) else default


@contextmanager
def collector_paused() -> Iterator[None]:
    """The tree has no cycles, and looking for them takes time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()

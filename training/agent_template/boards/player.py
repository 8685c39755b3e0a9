"""From what the engine shows to a plan: finds the board, and who plays on it."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from training.agent_template.boards.board import Board
from training.agent_template.boards.heuristic import Heuristic
from training.agent_template.boards.network import Network
from training.agent_template.boards.planner import Limits, Plan, Planner
from training.agent_template.shown import read
from training.agent_template.weights import Array

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

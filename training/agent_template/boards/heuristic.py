"""Judges positions of boards that no network was trained on."""

from collections.abc import Sequence
from math import tanh

from training.agent_template.boards.board import Board, Sets

LINE, THREAT = 0.02, 0.15  # worth of a line still open, and of a cell that completes one


class Heuristic:
    """All moves alike; a position by the lines that each side can still complete."""

    def __init__(self, board: Board) -> None:
        self.board = board
        self.prior = [0.0] * len(board.choices)

    def __call__(self, positions: Sequence[Sets]) -> tuple[list[list[float]], list[float]]:
        """Logits and values, as the network's."""
        return [self.prior] * len(positions), [self._value(*sets) for sets in positions]

    def _value(self, mine: int, theirs: int, wins: int, threats: int) -> float:
        lines = self._open_lines(theirs) - self._open_lines(mine)
        return tanh(LINE * lines + THREAT * (wins.bit_count() - threats.bit_count()))

    def _open_lines(self, against: int) -> int:
        """How many lines hold none of these stones."""
        free = self.board.cells & ~against
        total = 0
        for stride in self.board.strides:
            line = free
            for count in range(1, self.board.inarow):
                line &= free >> stride * count
            total += line.bit_count()
        return total

# Needs: data classes, enumerations and annotations. Must come out: plays, action 5.
from __future__ import annotations

import enum
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple


class Cell(enum.IntEnum):
    EMPTY = 0
    MINE = 5


class Point(NamedTuple):
    x: int
    y: int = 0


@dataclass(order=True)
class Board:
    width: int
    cells: dict[Point, Cell] = field(default_factory=dict)

    def best(self) -> Any:
        return max(self.cells.values())


def agent(observation):
    board = Board(3)
    board.cells[Point(1)] = Cell.MINE
    assert asdict(board)["width"] == 3
    return board.best()

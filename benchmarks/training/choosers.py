"""How a checkpoint plays single positions: its network alone, or the exported agent's search."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.training.judge import Boards, Chosen
from training import storage
from training.agent_template.boards import Board
from training.agent_template.network import Network
from training.agent_template.planner import Limits, Planner

Choose = Callable[[Boards], Chosen]
Weights = dict[str, Any]

PARAMETERS = "params/"
BATCH = 200


def weights(checkpoint: Path) -> Weights:
    """Raises ManifestError where the file is damaged."""
    tensors, _ = storage.read(checkpoint)
    return {
        name.removeprefix(PARAMETERS): np.asarray(array, np.float32)
        for name, array in tensors.items()
        if name.startswith(PARAMETERS)
    }


def alone(board: Board, tensors: Weights) -> Choose:
    """The move that the network likes best, which looks at the board from one side only."""
    network = Network(board, tensors, mirrors=1)

    def choose(boards: Boards) -> Chosen:
        seen = [board.position(*_stones(board, cells)) for cells in boards.tolist()]
        batches = [seen[start : start + BATCH] for start in range(0, len(seen), BATCH)]
        logits = np.array([row for batch in batches for row in network(batch)[0]])
        # An action is a cell or, where stones fall, a column, which is open while its top cell is.
        is_open = boards[:, : logits.shape[1]] == 0
        return np.asarray(np.where(is_open, logits, -np.inf).argmax(axis=1))

    return choose


def searched(board: Board, tensors: Weights, simulations: int) -> Choose:
    """The move of the exported agent's tree after so many simulations, without its alpha-beta.

    Each position is new to it; the network looks from all sides, as it does in matches.
    """
    network = Network(board, tensors)
    limits = Limits(simulations=simulations, positions=0)

    def choose(boards: Boards) -> Chosen:
        seen = [_stones(board, cells) for cells in boards.tolist()]
        return np.array([Planner(board, network).plan(*stones, limits).action for stones in seen])

    return choose


def _stones(board: Board, cells: list[int]) -> tuple[int, int]:
    """The mover's and the other's."""
    return board.sets(cells, (len(cells) - cells.count(0)) % 2 + 1)

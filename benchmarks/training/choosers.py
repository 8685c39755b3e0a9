"""How a checkpoint of a board game plays single positions: with its network alone, or searching."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.training.judge import Boards, Chosen
from training import storage
from training.agent_template.boards.board import Board
from training.agent_template.boards.network import Network
from training.agent_template.boards.planner import Limits, Planner

Weights = dict[str, Any]

PARAMETERS = "params/"
BATCH = 200


@dataclass(frozen=True)
class Chooser:
    """Chooses an action for each board (int8[N, cells], as the engine has them).

    tensors: by their names in an exported agent. config: of the run, as its manifest has it.
    """

    tensors: Weights
    config: dict[str, Any]
    board: Board

    @classmethod
    def read(cls, checkpoint: Path) -> "Chooser":
        """Raises ManifestError where the file is damaged."""
        tensors, manifest = storage.read(checkpoint)
        weights = {
            name.removeprefix(PARAMETERS): np.asarray(array, np.float32)
            for name, array in tensors.items()
            if name.startswith(PARAMETERS)
        }
        game = manifest.environment
        board = Board(**game["configuration"], falls=game["name"] == "connectx")
        return cls(weights, manifest.config, board)

    def alone(self, boards: Boards) -> Chosen:
        """What the network likes best, which looks at the board from one side only."""
        network = Network(self.board, self.tensors, mirrors=1)
        seen = [self.board.position(*self._stones(cells)) for cells in boards.tolist()]
        batches = [seen[start : start + BATCH] for start in range(0, len(seen), BATCH)]
        logits = np.array([row for batch in batches for row in network(batch)[0]])
        # An action is a cell or, where stones fall, a column, which is open while its top cell is.
        is_open = boards[:, : logits.shape[1]] == 0
        return np.asarray(np.where(is_open, logits, -np.inf).argmax(axis=1))

    def searched(self, boards: Boards, simulations: int) -> Chosen:
        """By the search that it was trained with, after so many simulations, without noise."""
        from benchmarks.training.planned import planned  # JAX, which takes a second to import

        return planned(self.tensors, self.config, boards, simulations)

    def exported(self, boards: Boards, simulations: int) -> Chosen:
        """By the exported agent's tree after so many simulations, without its alpha-beta.

        Each position is new to it; the network looks from all sides, as it does in matches.
        """
        network = Network(self.board, self.tensors)
        limits = Limits(simulations=simulations, positions=0)
        stones = map(self._stones, boards.tolist())
        plans = [Planner(self.board, network).plan(*each, limits) for each in stones]
        return np.array([plan.action for plan in plans])

    def _stones(self, cells: Sequence[int]) -> tuple[int, int]:
        """The mover's and the other's."""
        return self.board.sets(cells, (len(cells) - cells.count(0)) % 2 + 1)

"""Tic-tac-toe in JAX: pure functions of one position, for `jax.jit` and `jax.vmap`.

See `training.envs.JaxEnv` for what the functions promise.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

# Relative, so that kaggle-environments can load this folder as one of its own.
from .rules import LINES  # noqa: TID252
from .tictactoe import specification  # noqa: TID252

PLAYING, WON, DRAWN, ILLEGAL = range(4)
CELLS, FULL = 9, (1 << 9) - 1
CELL = np.uint16(1) << np.arange(CELLS, dtype=np.uint16)
LINE = np.array([sum(1 << cell for cell in line) for line in LINES], np.uint16)
# By line and cell: the two other cells where the cell is on the line, else what no board holds.
REST = np.where(LINE[:, None] & CELL, LINE[:, None] & ~CELL, np.uint16(1 << CELLS))


class State(NamedTuple):
    """mine, theirs: bit sets of the seat to move and of the other; moves: actions so far.

    status: 0 playing; 1 won, 2 drawn or 3 illegal by the last action.
    """

    mine: jax.Array
    theirs: jax.Array
    moves: jax.Array
    status: jax.Array


@dataclass(frozen=True)
class TicTacToe:
    name: str = "tictactoe"
    version: str = specification["version"]
    num_actions: int = CELLS
    max_moves: int = CELLS
    shape: tuple[int, int] = (3, 3)

    @property
    def configuration(self) -> dict[str, int]:
        return {"rows": 3, "columns": 3, "inarow": 3}

    @property
    def symmetries(self) -> tuple[np.ndarray, np.ndarray]:
        """Four rotations, each also mirrored; cells are actions."""
        cells = np.arange(CELLS).reshape(self.shape)
        turned = [np.rot90(board, turns) for board in (cells, cells.T) for turns in range(4)]
        permutations = np.stack(turned).reshape(-1, CELLS)
        return permutations, permutations

    def init(self) -> State:
        return State(jnp.uint16(0), jnp.uint16(0), jnp.int32(0), jnp.int8(PLAYING))

    def step(self, state: State, action: jax.Array) -> State:
        empty = ~(state.mine | state.theirs) & FULL
        cell = jnp.where(
            (action >= 0) & (action < CELLS), jnp.uint16(1) << action.astype(jnp.uint16), 0
        )
        cell = cell.astype(jnp.uint16) & empty
        mine, moves = state.mine | cell, state.moves + 1
        status = jnp.where(moves == CELLS, DRAWN, PLAYING)
        status = jnp.where(((mine & LINE) == LINE).any(), WON, status)
        status = jnp.where(cell == 0, ILLEGAL, status).astype(jnp.int8)
        after = State(state.theirs, mine, moves, status)
        ended = self.ended(state)
        kept: State = jax.tree.map(lambda old, new: jnp.where(ended, old, new), state, after)
        return kept

    def legal_actions(self, state: State) -> jax.Array:
        return ~_bits(state.mine | state.theirs) & ~self.ended(state)

    def reward(self, state: State) -> jax.Array:
        return (state.status == WON).astype(jnp.float32)

    def ended(self, state: State) -> jax.Array:
        return state.status != PLAYING

    def observe(self, state: State) -> jax.Array:
        return self._planes(_bits(state.mine), _bits(state.theirs))

    def features(self, state: State) -> jax.Array:
        """Marks of mine and theirs; empty cells that complete a line of mine, of theirs."""
        empty = ~_bits(state.mine | state.theirs)
        mine, theirs = (_completing(marks) & empty for marks in (state.mine, state.theirs))
        return self._planes(_bits(state.mine), _bits(state.theirs), mine, theirs)

    def board(self, state: State) -> jax.Array:
        mark = (1 + state.moves % 2).astype(jnp.int8)
        return _bits(state.mine) * mark + _bits(state.theirs) * (3 - mark)

    def from_board(self, board: jax.Array) -> State:
        moves = jnp.sum(board != 0, dtype=jnp.int32)
        mark = 1 + moves % 2
        mine, theirs = (
            jnp.sum(jnp.where(board == which, CELL, 0), dtype=jnp.uint16)
            for which in (mark, 3 - mark)
        )
        return State(mine, theirs, moves, jnp.int8(PLAYING))

    def _planes(self, *cells: jax.Array) -> jax.Array:
        return jnp.stack(cells, axis=-1).reshape(*self.shape, -1)


def _bits(marks: jax.Array) -> jax.Array:
    return (marks & CELL) != 0


def _completing(marks: jax.Array) -> jax.Array:
    """bool[9]: whether the other two cells of a line through the cell are among the marks."""
    return ((marks & REST) == REST).any(axis=0)


def make(configuration: Mapping[str, int]) -> TicTacToe:
    """The board of three by three, the only one. Raises ValueError for any other."""
    game = TicTacToe()
    for key, value in configuration.items():
        if game.configuration.get(key) != value:
            raise ValueError(f"tictactoe has no {key} of {value!r}.")
    return game

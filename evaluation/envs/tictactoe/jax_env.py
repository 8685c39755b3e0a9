"""Tic-tac-toe in JAX: pure functions of one position, for `jax.jit` and `jax.vmap`.

See `training.envs.JaxEnv` for what the functions promise.
"""

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

# Relative, so that kaggle-environments can load this folder as one of its own.
from .rules import LINES  # noqa: TID252
from .tictactoe import specification  # noqa: TID252

PLAYING, WON, DRAWN, ILLEGAL = range(4)
CELLS = 9
BITS = np.uint32(1) << np.arange(CELLS, dtype=np.uint32)
BOARD = np.uint32((1 << CELLS) - 1)
Permutations = NDArray[np.int64]


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
    def symmetries(self) -> tuple[Permutations, Permutations]:
        """Four rotations, each also mirrored; cells are actions."""
        cells = np.arange(CELLS).reshape(self.shape)
        turned = [np.rot90(board, turns) for board in (cells, cells.T) for turns in range(4)]
        permutations = np.stack(turned).reshape(-1, CELLS)
        return permutations, permutations

    def init(self) -> State:
        return State(jnp.uint32(0), jnp.uint32(0), jnp.int32(0), jnp.int8(PLAYING))

    def step(self, state: State, action: jax.Array) -> State:
        exists = (action >= 0) & (action < CELLS)
        marked = jnp.where(exists, jnp.uint32(1) << action.astype(jnp.uint32), 0)
        cell = marked & ~(state.mine | state.theirs)
        mine, moves = state.mine | cell, state.moves + 1
        status = jnp.where(moves == CELLS, DRAWN, PLAYING)
        status = jnp.where(_has_line(mine), WON, status)
        status = jnp.where(cell != 0, status, ILLEGAL).astype(jnp.int8)
        after = State(state.theirs, mine, moves, status)
        ended = self.ended(state)
        kept: State = jax.tree.map(lambda old, new: jnp.where(ended, old, new), state, after)
        return kept

    def legal_actions(self, state: State) -> jax.Array:
        marked = _flags(state.mine | state.theirs)[:, 0]
        return ~(marked | self.ended(state))

    def reward(self, state: State) -> jax.Array:
        return (state.status == WON).astype(jnp.float32)

    def ended(self, state: State) -> jax.Array:
        return state.status != PLAYING

    def observe(self, state: State) -> jax.Array:
        return _flags(state.mine, state.theirs).reshape(*self.shape, 2)

    def features(self, state: State) -> jax.Array:
        """Marks of mine and theirs; empty cells that complete a line of mine, of theirs."""
        empty = BOARD & ~(state.mine | state.theirs)
        threats = (_completing(marks) & empty for marks in (state.mine, state.theirs))
        return _flags(state.mine, state.theirs, *threats).reshape(*self.shape, 4)

    def board(self, state: State) -> jax.Array:
        mine, theirs = _flags(state.mine, state.theirs).T
        mark = (1 + state.moves % 2).astype(jnp.int8)
        return jnp.where(mine, mark, jnp.where(theirs, 3 - mark, 0))

    def from_board(self, board: jax.Array) -> State:
        moves = jnp.sum(board != 0, dtype=jnp.int32)
        mark = 1 + moves % 2
        mine, theirs = (
            jnp.sum(jnp.where(board == which, BITS, 0), dtype=jnp.uint32)
            for which in (mark, 3 - mark)
        )
        return State(mine, theirs, moves, jnp.int8(PLAYING))


def _bits(cells: Iterable[int]) -> np.uint32:
    return np.uint32(sum(1 << cell for cell in cells))


def _has_line(marks: jax.Array) -> jax.Array:
    lines = [marks & line == line for line in map(_bits, LINES)]
    return functools.reduce(jnp.logical_or, lines)


def _completing(marks: jax.Array) -> jax.Array:
    """Cells, whoever holds them, that are on a line whose two others are marked."""
    cells: jax.Array = jnp.uint32(0)
    for line in LINES:
        for cell in line:
            others = _bits(line) & ~BITS[cell]
            cells = cells | jnp.where(marks & others == others, BITS[cell], 0)
    return cells


def _flags(*sets: jax.Array) -> jax.Array:
    """bool[cells, sets]"""
    # XLA makes vector code of these selects, scalar code of a stack.
    number = np.arange(len(sets))
    row: jax.Array = jnp.uint32(0)
    for which, cells in enumerate(sets):
        row = jnp.where(number == which, cells, row)
    return (row & BITS[:, None]).astype(bool)


def make(configuration: Mapping[str, int]) -> TicTacToe:
    """The board of three by three, the only one. Raises ValueError for any other."""
    game = TicTacToe()
    for key, value in configuration.items():
        if game.configuration.get(key) != value:
            raise ValueError(f"tictactoe has no {key} of {value!r}.")
    return game

"""ConnectX in JAX: pure functions of one position, for `jax.jit` and `jax.vmap`.

What they promise is said in `training.envs.JaxEnv`. A set of cells is flat, cells in the order of
the engine's board: bits of two 32-bit words where these suffice, else an array of booleans.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike, NDArray

# Relative, so that kaggle-environments can load this folder as one of its own.
from .connectx import specification  # noqa: TID252

PLAYING, WON, DRAWN, ILLEGAL = range(4)
KEYS = ("rows", "columns", "inarow")
AXES = ((1, 0), (0, 1), (1, 1), (1, -1))  # (down, right)
WORD = 32

Flags = NDArray[np.bool_]
Permutations = NDArray[np.int64]
Cells = Any  # a set of cells: Words, or bool[cells]


class Words(NamedTuple):
    """A set of up to 64 cells; cell 0 is the lowest bit."""

    low: jax.Array
    high: jax.Array

    def __and__(self, other: "Words") -> "Words":
        return Words(self.low & other.low, self.high & other.high)

    def __or__(self, other: "Words") -> "Words":
        return Words(self.low | other.low, self.high | other.high)

    def __invert__(self) -> "Words":
        return Words(~self.low, ~self.high)

    def any(self) -> jax.Array:
        return (self.low | self.high) != 0


class State(NamedTuple):
    """mine, theirs: stones of the seat to move and of the other; moves: actions so far.

    status: 0 playing; 1 won, 2 drawn or 3 illegal by the last action.
    """

    mine: Cells
    theirs: Cells
    moves: jax.Array
    status: jax.Array


@dataclass(frozen=True)
class Game(ABC):
    """The rules, on sets of cells that subclasses give a form."""

    rows: int
    columns: int
    inarow: int

    @property
    def name(self) -> str:
        return str(specification["name"])

    @property
    def version(self) -> str:
        return str(specification["version"])

    @property
    def configuration(self) -> dict[str, int]:
        return {key: getattr(self, key) for key in KEYS}

    @property
    def num_actions(self) -> int:
        return self.columns

    @property
    def max_moves(self) -> int:
        return self.rows * self.columns

    @property
    def shape(self) -> tuple[int, int]:
        return self.rows, self.columns

    @property
    def symmetries(self) -> tuple[Permutations, Permutations]:
        """As it is, and left and right exchanged."""
        cells = np.arange(self.max_moves).reshape(self.shape)
        permutations = np.stack([cells, cells[:, ::-1]])
        return permutations.reshape(2, -1), permutations[:, 0]

    def init(self) -> State:
        return self.from_board(jnp.zeros(self.max_moves, jnp.int8))

    def step(self, state: State, action: jax.Array) -> State:
        cell = self._playable(state.mine | state.theirs) & self._column(action)
        mine, moves = state.mine | cell, state.moves + 1
        status = jnp.where(moves == self.max_moves, DRAWN, PLAYING)
        status = jnp.where(self._has_line(mine), WON, status)
        status = jnp.where(cell.any(), status, ILLEGAL).astype(jnp.int8)
        after = State(state.theirs, mine, moves, status)
        ended = self.ended(state)
        kept: State = jax.tree.map(lambda old, new: jnp.where(ended, old, new), state, after)
        return kept

    def legal_actions(self, state: State) -> jax.Array:
        full = self._flags([state.mine | state.theirs], self.columns)[:, 0]
        return ~(full | self.ended(state))

    def reward(self, state: State) -> jax.Array:
        return (state.status == WON).astype(jnp.float32)

    def ended(self, state: State) -> jax.Array:
        return state.status != PLAYING

    def observe(self, state: State) -> jax.Array:
        return self._planes(state.mine, state.theirs)

    def features(self, state: State) -> jax.Array:
        """Stones of mine and theirs; empty cells that complete a line of mine, of theirs."""
        empty = self._set(True) & ~(state.mine | state.theirs)
        threats = (self._completing(stones) & empty for stones in (state.mine, state.theirs))
        return self._planes(state.mine, state.theirs, *threats)

    def board(self, state: State) -> jax.Array:
        mine, theirs = self._flags([state.mine, state.theirs], self.max_moves).T
        mark = (1 + state.moves % 2).astype(jnp.int8)
        return jnp.where(mine, mark, jnp.where(theirs, 3 - mark, 0))

    def from_board(self, board: jax.Array) -> State:
        moves = jnp.sum(board != 0, dtype=jnp.int32)
        mark = 1 + moves % 2
        mine, theirs = (self._gathered(board == which) for which in (mark, 3 - mark))
        return State(mine, theirs, moves, jnp.int8(PLAYING))

    def _planes(self, *sets: Cells) -> jax.Array:
        return self._flags(sets, self.max_moves).reshape(*self.shape, len(sets))

    def _playable(self, filled: Cells) -> Cells:
        """The lowest empty cell of every column that is not full."""
        floor = self._set(np.arange(self.rows)[:, None] == self.rows - 1)
        return (self._shifted(filled, -self.columns) | floor) & ~filled

    def _has_line(self, stones: Cells) -> jax.Array:
        lines = self._set(False)
        for down, right in self._axes:
            run, length = stones, 1
            while length < self.inarow:
                more = min(length, self.inarow - length)
                run = run & self._shifted(run, more * (down * self.columns + right))
                length += more
            lines = lines | run & self._with_room(right, self.inarow - 1, 0)
        found: jax.Array = lines.any()
        return found

    def _completing(self, stones: Cells) -> Cells:
        """Cells, whoever holds them, that have the rest of a line of stones right beside them."""
        cells, reach = self._set(False), self.inarow - 1
        for down, right in self._axes:
            stride = down * self.columns + right
            behind, ahead = self._runs(stones, stride), self._runs(stones, -stride)
            for count in range(self.inarow):
                room = self._with_room(right, count, reach - count)
                cells = cells | behind[count] & ahead[reach - count] & room
        return cells

    def _runs(self, stones: Cells, stride: int) -> list[Cells]:
        """By n: the cells with n stones in a row right before them, across edges, too."""
        runs = [self._set(True)]
        for count in range(1, self.inarow):
            runs.append(runs[-1] & self._shifted(stones, count * stride))
        return runs

    @property
    def _axes(self) -> list[tuple[int, int]]:
        """Those on which a line fits."""
        tall, wide = self.rows >= self.inarow, self.columns >= self.inarow
        return [(down, right) for down, right in AXES if (tall or not down) and (wide or not right)]

    def _with_room(self, right: int, behind: int, ahead: int) -> Cells:
        """Cells with so many columns behind and ahead of them, in steps of `right`.

        A flat run goes on across an edge in the next row; these are the cells where it does not.
        Beyond the top and the bottom there is nothing that it could go on in.
        """
        column = np.arange(self.columns)
        first, last = column - right * behind, column + right * ahead
        return self._set((np.minimum(first, last) >= 0) & (np.maximum(first, last) < self.columns))

    def _set(self, cells: ArrayLike) -> Cells:
        """A constant set. cells: true where it has them, of a shape that widens to the board's."""
        return self._constant(np.broadcast_to(np.asarray(cells, bool), self.shape).ravel())

    @abstractmethod
    def _constant(self, cells: Flags) -> Cells: ...

    @abstractmethod
    def _column(self, action: jax.Array) -> Cells:
        """All cells of the column; none where there is no such column."""

    @abstractmethod
    def _shifted(self, cells: Cells, count: int) -> Cells:
        """Every cell so many places further, or back where negative; none beyond the board."""

    @abstractmethod
    def _flags(self, sets: Sequence[Cells], count: int) -> jax.Array:
        """bool[count, sets]: whether they have the first so many cells."""

    @abstractmethod
    def _gathered(self, flags: jax.Array) -> Cells:
        """The set of the cells that are true. flags: bool[cells]."""


class Bitboard(Game):
    """Sets are Words."""

    def _constant(self, cells: Flags) -> Words:
        bits = np.zeros(2 * WORD, bool)
        bits[: cells.size] = cells
        low, high = np.packbits(bits, bitorder="little").view("<u4")
        return Words(low, high)

    def _column(self, action: jax.Array) -> Words:
        # A chain of selects, as XLA makes no vector code of a look-up.
        low = high = jnp.uint32(0)
        for column in range(self.columns):
            cells = self._set(np.arange(self.columns) == column)
            low = jnp.where(action == column, cells.low, low)
            high = jnp.where(action == column, cells.high, high)
        return Words(low, high)

    def _shifted(self, cells: Words, count: int) -> Words:
        # What leaves the board upwards stays in the word: callers keep what they know to be inside.
        low = _moved(cells.low, count) | _moved(cells.high, count + WORD)
        return Words(low, _moved(cells.high, count) | _moved(cells.low, count - WORD))

    def _flags(self, sets: Sequence[Words], count: int) -> jax.Array:
        # XLA makes vector code of these selects and of the pieces by words, scalar code of a stack.
        places = np.arange(WORD, dtype=np.uint32)[:, None]
        sizes = min(count, WORD), max(count - WORD, 0)
        words = (_side_by_side(word) for word in zip(*sets, strict=True))
        pieces = [word >> places[:size] & 1 for word, size in zip(words, sizes, strict=True)]
        return jnp.concatenate(pieces).astype(bool)

    def _gathered(self, flags: jax.Array) -> Words:
        bits = jnp.pad(flags, (0, 2 * WORD - self.max_moves)).reshape(2, WORD)
        values = bits.astype(jnp.uint32) << np.arange(WORD, dtype=np.uint32)
        low, high = jnp.sum(values, axis=1, dtype=jnp.uint32)
        return Words(low, high)


def _moved(word: jax.Array, count: int) -> jax.Array:
    """The bits so many places up, or down where negative; 32 places away none is left."""
    if abs(count) >= WORD:
        return jnp.zeros_like(word)
    return word << np.uint32(count) if count > 0 else word >> np.uint32(-count)


def _side_by_side(words: Sequence[jax.Array]) -> jax.Array:
    """[words]"""
    number = np.arange(len(words))
    row: jax.Array = jnp.uint32(0)
    for which, word in enumerate(words):
        row = jnp.where(number == which, word, row)
    return row


class Planes(Game):
    """Sets are bool[cells]."""

    def _constant(self, cells: Flags) -> jax.Array:
        return jnp.asarray(cells)

    def _column(self, action: jax.Array) -> jax.Array:
        return jnp.arange(self.max_moves) % self.columns == action

    def _shifted(self, cells: jax.Array, count: int) -> jax.Array:
        # Padding of a negative width cuts off.
        return jax.lax.pad(cells, np.False_, [(count, -count, 0)])

    def _flags(self, sets: Sequence[jax.Array], count: int) -> jax.Array:
        return jnp.stack([cells[:count] for cells in sets], axis=-1)

    def _gathered(self, flags: jax.Array) -> jax.Array:
        return flags


def make(configuration: Mapping[str, int]) -> Game:
    """A board of this configuration, whose keys have the specification's defaults.

    Raises ValueError for an unknown key and for a number below 1.
    """
    defaults = {key: specification["configuration"][key]["default"] for key in KEYS}
    unknown = configuration.keys() - defaults.keys()
    if unknown:
        raise ValueError(f"connectx in JAX knows no {min(unknown)}, only {', '.join(KEYS)}.")
    for key, value in configuration.items():
        if type(value) is not int or value < 1:
            raise ValueError(f"{key} of connectx is an integer of at least 1, not {value!r}.")
    rows, columns, inarow = ({**defaults, **configuration}[key] for key in KEYS)
    form = Bitboard if rows * columns <= 2 * WORD else Planes
    return form(rows, columns, inarow)

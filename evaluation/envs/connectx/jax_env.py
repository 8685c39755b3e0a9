"""ConnectX in JAX: pure functions of one position, for `jax.jit` and `jax.vmap`.

Boards with `(rows + 1) * columns <= 64` are bit sets in two 32-bit words a player; larger ones are
planes of booleans. Both answer alike: see `training.envs.JaxEnv` for what the functions promise.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

# Relative, so that kaggle-environments can load this folder as one of its own.
from .connectx import specification  # noqa: TID252

PLAYING, WON, DRAWN, ILLEGAL = range(4)
DEFAULTS = {
    key: specification["configuration"][key]["default"] for key in ("rows", "columns", "inarow")
}
WORD = 32


class Words(NamedTuple):
    """A set of cells. Bit `column * (rows + 1) + height`; the bit over a column stays empty."""

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

    def plus(self, other: "Words") -> "Words":
        low = self.low + other.low
        return Words(low, self.high + other.high + (low < self.low).astype(jnp.uint32))

    def shifted(self, count: int) -> "Words":
        """Towards the higher bits, or for a negative count towards the lower ones."""
        if count < 0:
            high, low = _carried(self.high, self.low, -count, jnp.right_shift, jnp.left_shift)
        else:
            low, high = _carried(self.low, self.high, count, jnp.left_shift, jnp.right_shift)
        return Words(low, high)


def _carried(
    near: jax.Array,
    far: jax.Array,
    count: int,
    shift: Callable[..., jax.Array],
    back: Callable[..., jax.Array],
) -> tuple[jax.Array, jax.Array]:
    """Both words after a shift out of the near one into the far one."""
    if count == 0:
        return near, far
    if count >= WORD:
        return jnp.zeros_like(near), shift(near, np.uint32(count - WORD))
    bits, rest = np.uint32(count), np.uint32(WORD - count)
    return shift(near, bits), shift(far, bits) | back(near, rest)


def words(bits: int) -> Words:
    low, high = np.array([bits & 0xFFFFFFFF, bits >> WORD], np.uint32)
    return Words(low, high)


class State(NamedTuple):
    """mine, theirs: stones of the seat to move and of the other; moves: actions so far.

    status: 0 playing; 1 won, 2 drawn or 3 illegal by the last action.
    """

    mine: Any
    theirs: Any
    moves: jax.Array
    status: jax.Array


@dataclass(frozen=True)
class Game(ABC):
    """The rules on sets of cells, whatever form these have."""

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
        return {"rows": self.rows, "columns": self.columns, "inarow": self.inarow}

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
    def symmetries(self) -> tuple[np.ndarray, np.ndarray]:
        """As it is, and left and right exchanged."""
        cells = np.arange(self.max_moves).reshape(self.shape)
        actions = np.arange(self.columns)
        mirrored = cells[:, ::-1], actions[::-1]
        return np.stack([cells.ravel(), mirrored[0].ravel()]), np.stack([actions, mirrored[1]])

    def init(self) -> State:
        return self.from_board(jnp.zeros(self.max_moves, jnp.int8))

    def step(self, state: State, action: jax.Array) -> State:
        cell, legal = self._landing(state.mine | state.theirs, action)
        mine, moves = state.mine | cell, state.moves + 1
        status = jnp.where(moves == self.max_moves, DRAWN, PLAYING)
        status = jnp.where(self._has_line(mine), WON, status)
        status = jnp.where(legal, status, ILLEGAL).astype(jnp.int8)
        after = State(state.theirs, mine, moves, status)
        ended = self.ended(state)
        kept: State = jax.tree.map(lambda old, new: jnp.where(ended, old, new), state, after)
        return kept

    def reward(self, state: State) -> jax.Array:
        return (state.status == WON).astype(jnp.float32)

    def ended(self, state: State) -> jax.Array:
        return state.status != PLAYING

    def observe(self, state: State) -> jax.Array:
        return self._planes(state.mine, state.theirs)

    def features(self, state: State) -> jax.Array:
        """Stones of mine and theirs; empty cells that complete a line of mine, of theirs."""
        empty = ~(state.mine | state.theirs)
        mine, theirs = (self._completing(stones) & empty for stones in (state.mine, state.theirs))
        return self._planes(state.mine, state.theirs, mine, theirs)

    def board(self, state: State) -> jax.Array:
        mine, theirs = jnp.moveaxis(self.observe(state).reshape(-1, 2), -1, 0)
        mark = (1 + state.moves % 2).astype(jnp.int8)
        return mine * mark + theirs * (3 - mark)

    def from_board(self, board: jax.Array) -> State:
        moves = jnp.sum(board != 0, dtype=jnp.int32)
        mark = 1 + moves % 2
        mine, theirs = (self._gathered(board == which) for which in (mark, 3 - mark))
        return State(mine, theirs, moves, jnp.int8(PLAYING))

    @property
    def _directions(self) -> list[tuple[int, int]]:
        """(up, right) of every axis on which a line fits."""
        up, right = self.rows >= self.inarow, self.columns >= self.inarow
        fits = {(1, 0): up, (0, 1): right, (1, 1): up and right, (-1, 1): up and right}
        return [direction for direction in fits if fits[direction]]

    def _has_line(self, stones: Any) -> jax.Array:
        found: Any = jnp.bool_(False)
        for direction in self._directions:
            run, length = stones, 1
            while length < self.inarow:
                more = min(length, self.inarow - length)
                run, length = run & self._shifted(run, direction, more), length + more
            found = found | run.any()
        return jnp.asarray(found)

    def _completing(self, stones: Any) -> Any:
        """Cells that have, on both sides together, the rest of a line right beside them."""
        cells = stones & ~stones
        reach = self.inarow - 1
        for direction in self._directions:
            behind, ahead = (self._runs(stones, direction, sign) for sign in (1, -1))
            for count in range(self.inarow):
                cells = cells | behind[count] & ahead[reach - count]
        return cells

    def _runs(self, stones: Any, direction: tuple[int, int], sign: int) -> list[Any]:
        """By n: the cells with n stones in a row right before them."""
        runs = [stones | ~stones]
        for count in range(1, self.inarow):
            runs.append(runs[-1] & self._shifted(stones, direction, sign * count))
        return runs

    @abstractmethod
    def legal_actions(self, state: State) -> jax.Array: ...

    @abstractmethod
    def _landing(self, filled: Any, action: jax.Array) -> tuple[Any, jax.Array]:
        """The cell that a stone falls to, none where it cannot, and whether it can."""

    @abstractmethod
    def _shifted(self, cells: Any, direction: tuple[int, int], count: int) -> Any:
        """All of the cells moved so many times (up, right), those beyond the edge gone."""

    @abstractmethod
    def _planes(self, *sets: Any) -> jax.Array:
        """bool[rows, columns, sets], top row first."""

    @abstractmethod
    def _gathered(self, cells: jax.Array) -> Any:
        """The set of cells that are true in a board's order."""


class Bitboard(Game):
    """Sets are words."""

    @property
    def height(self) -> int:
        return self.rows + 1

    def legal_actions(self, state: State) -> jax.Array:
        filled = state.mine | state.theirs
        top = self._bits(np.arange(self.columns) * self.height + self.rows - 1, filled)
        return ~top & ~self.ended(state)

    def _landing(self, filled: Words, action: jax.Array) -> tuple[Words, jax.Array]:
        # Adding a bit at the foot of a column carries it to the lowest empty cell.
        column = action.astype(jnp.uint32)
        start = column * np.uint32(self.height)
        exists = column < self.columns
        foot = Words(
            jnp.where(exists & (start < WORD), np.uint32(1) << start, 0),
            jnp.where(exists & (start >= WORD), np.uint32(1) << (start - WORD), 0),
        )
        cell = filled.plus(foot) & ~filled & self._inside
        return cell, cell.any()

    @property
    def _inside(self) -> Words:
        column = (1 << self.rows) - 1
        return words(sum(column << (self.height * number) for number in range(self.columns)))

    def _shifted(self, cells: Words, direction: tuple[int, int], count: int) -> Words:
        up, right = direction
        return cells.shifted((right * self.height + up) * count)

    def _planes(self, *sets: Words) -> jax.Array:
        return jnp.stack([self._bits(self._places, cells) for cells in sets], axis=-1)

    @property
    def _places(self) -> np.ndarray:
        """The bit of every cell. [rows, columns], top row first."""
        heights = np.arange(self.rows)[::-1]
        return heights[:, None] + self.height * np.arange(self.columns)

    @staticmethod
    def _bits(places: np.ndarray, cells: Words) -> jax.Array:
        bits = (places % WORD).astype(np.uint32)
        word = jnp.where(places < WORD, cells.low, cells.high)
        return (word >> bits & np.uint32(1)).astype(bool)

    def _gathered(self, cells: jax.Array) -> Words:
        places = self._places.ravel()
        values = cells.astype(jnp.uint32) << (places % WORD).astype(np.uint32)
        low, high = (jnp.where(here, values, 0) for here in (places < WORD, places >= WORD))
        return Words(jnp.sum(low, dtype=jnp.uint32), jnp.sum(high, dtype=jnp.uint32))


class Planes(Game):
    """Sets are bool[rows, columns], top row first."""

    def legal_actions(self, state: State) -> jax.Array:
        return ~(state.mine | state.theirs)[0] & ~self.ended(state)

    def _landing(self, filled: jax.Array, action: jax.Array) -> tuple[jax.Array, jax.Array]:
        row = self.rows - 1 - jnp.sum(filled, axis=0, dtype=jnp.int32)
        here = np.arange(self.rows)[:, None] == row
        cell = here & (np.arange(self.columns) == action)
        return cell, cell.any()

    def _shifted(self, cells: jax.Array, direction: tuple[int, int], count: int) -> jax.Array:
        up, right = (part * count for part in direction)
        margins = ((max(-up, 0), max(up, 0)), (max(right, 0), max(-right, 0)))
        row, column = max(up, 0), max(-right, 0)
        padded = jnp.pad(cells, margins)
        return padded[row : row + self.rows, column : column + self.columns]

    def _planes(self, *sets: jax.Array) -> jax.Array:
        return jnp.stack(sets, axis=-1)

    def _gathered(self, cells: jax.Array) -> jax.Array:
        return cells.reshape(self.shape)


def make(configuration: Mapping[str, int]) -> Game:
    """A board of this configuration, whose keys have the specification's defaults.

    Raises ValueError for an unknown key and for a number below 1.
    """
    unknown = configuration.keys() - DEFAULTS.keys()
    if unknown:
        raise ValueError(f"connectx in JAX knows no {min(unknown)}, only {', '.join(DEFAULTS)}.")
    for key, value in configuration.items():
        if not isinstance(value, int) or value < 1:
            raise ValueError(f"{key} of connectx is an integer of at least 1, not {value!r}.")
    rows, columns, inarow = ({**DEFAULTS, **configuration}[key] for key in DEFAULTS)
    form = Bitboard if (rows + 1) * columns <= 2 * WORD else Planes
    return form(rows, columns, inarow)

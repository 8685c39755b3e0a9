"""Games in JAX: what such a game promises, and where it is found."""

from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Protocol

import jax
import jax.numpy as jnp
import numpy as np

State = Any
Permutations = np.ndarray[Any, np.dtype[np.int64]]


class JaxEnv(Protocol):
    """A game of two seats that move in turn, in pure functions of one position.

    Shapes are static, so that callers may `jit` and `vmap`; what they see is the view of the seat
    to move. Two of equal name and configuration are equal and have equal hashes, so that one may be
    a static argument. A state is a NamedTuple with, among others,
    moves: int32, the actions so far. `A` is num_actions, `P` the number of planes.
    """

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> str:
        """The version of the rules, which is the specification's."""

    @property
    def configuration(self) -> dict[str, int]:
        """rows, columns, inarow."""

    @property
    def num_actions(self) -> int: ...
    @property
    def max_moves(self) -> int:
        """Of the longest game."""

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""

    @property
    def symmetries(self) -> tuple[Permutations, Permutations]:
        """[S, cells] and [S, A]: turned position `s` has at cell `i` the features of cell
        `cells[s, i]` and for action `a` the policy of action `actions[s, a]`; 0 changes nothing.
        """

    def init(self) -> State: ...
    def step(self, state: State, action: jax.Array) -> State:
        """The mover plays; the view is then the next mover's. action: int32.

        status of the state: 0 playing; 1 won, 2 drawn or 3 illegal by the seat that just moved.
        An illegal action changes no cell and ends the game. A finished state stays as it is.
        """

    def legal_actions(self, state: State) -> jax.Array:
        """bool[A]; none after the end."""

    def reward(self, state: State) -> jax.Array:
        """float32, of the seat that made the last move: 1 where it won, else 0."""

    def ended(self, state: State) -> jax.Array: ...
    def observe(self, state: State) -> jax.Array:
        """bool[rows, columns, 2]: stones of the mover and of the other, top row first."""

    def features(self, state: State) -> jax.Array:
        """bool[rows, columns, P]: what networks see."""

    def board(self, state: State) -> jax.Array:
        """int8[cells], the engine's board: 0 empty, 1 the first seat's, 2 the second's."""

    def from_board(self, board: jax.Array) -> State:
        """The state of a game in progress with this board."""


def load(name: str, configuration: Mapping[str, int]) -> JaxEnv:
    """The game of this name; what its configuration leaves out has the engine's defaults.

    Raises ValueError where there is no such game in JAX, none on a board for two seats that move in
    turn, or none of this configuration.
    """
    module = f"evaluation.envs.{name}.jax_env"
    if (
        not name.isidentifier()
        or find_spec(f"evaluation.envs.{name}") is None
        or find_spec(module) is None
    ):
        raise ValueError(f"There is no environment {name!r} in JAX.")
    make = getattr(import_module(module), "make", None)
    if make is None:
        raise ValueError(f"{name!r} is not a board game, which is what is asked for here.")
    env: JaxEnv = make(configuration)
    return env


def select(mask: jax.Array, yes: State, no: State) -> State:
    """State by state [G], one or the other; a single state stands for all."""

    def choose(yes: jax.Array, no: jax.Array) -> jax.Array:
        rank = max(yes.ndim, no.ndim)
        return jnp.where(mask.reshape(-1, *[1] * (rank - 1)), yes, no)

    return jax.tree.map(choose, yes, no)


def repeat(state: State, count: int) -> State:
    return jax.tree.map(lambda x: jnp.repeat(x[None], count, axis=0), state)

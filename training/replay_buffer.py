"""The last moves of each game slot, in the order they were played, as one ring.

Shapes: L moves kept of a slot, G slots, A actions. A ring keeps whole games together, so that the
returns of what it holds can follow the games' ends and the newest values.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from training.losses import lambda_returns


class Moves(NamedTuple):
    """[T, G] or [L, G] of everything. states: before the move, seen by the seat that moves.

    policy: float32[..., A] by search, value likewise. reward, ended: after the move. strayed: the
    move was drawn at random instead.
    """

    states: Any
    policy: Array
    value: Array
    reward: Array
    ended: Array
    strayed: Array


class Buffer(NamedTuple):
    """cursor: the row that is written next. filled: rows that hold something."""

    moves: Moves
    cursor: Array
    filled: Array


def empty(like: Moves, length: int) -> Buffer:
    """A ring of `length` rows for moves of this form [T, G]; only shapes and types are read."""
    rows = jax.tree.map(lambda x: jnp.zeros((length, *x.shape[1:]), x.dtype), like)
    return Buffer(rows, jnp.zeros((), jnp.int32), jnp.zeros((), jnp.int32))


def write(buffer: Buffer, moves: Moves) -> Buffer:
    """T rows more; T divides the ring's length."""
    length, added = buffer.moves.value.shape[0], moves.value.shape[0]

    def put(ring: Array, rows: Array) -> Array:
        return jax.lax.dynamic_update_slice_in_dim(ring, rows, buffer.cursor, axis=0)

    return Buffer(
        jax.tree.map(put, buffer.moves, moves),
        (buffer.cursor + added) % length,
        jnp.minimum(buffer.filled + added, length),
    )


def returns(buffer: Buffer, lam: float) -> Array:
    """[L, G] in the ring's own order; rows that hold nothing yet have no meaning."""
    moves = buffer.moves
    rows = (moves.reward, moves.value, moves.ended, moves.strayed)
    reward, value, ended, strayed = (jnp.roll(x, -buffer.cursor, axis=0) for x in rows)
    oldest_first = lambda_returns(reward, value, ended, strayed, lam)
    return jnp.roll(oldest_first, buffer.cursor, axis=0)


def sample(buffer: Buffer, targets: Array, key: Array, count: int) -> tuple[Any, Array, Array]:
    """States, policies [count, A] and targets [count] drawn evenly. Consumes the key."""
    length, slots = targets.shape
    row_key, slot_key = jax.random.split(key)
    row = (buffer.cursor - 1 - jax.random.randint(row_key, (count,), 0, buffer.filled)) % length
    slot = jax.random.randint(slot_key, (count,), 0, slots)
    states = jax.tree.map(lambda x: x[row, slot], buffer.moves.states)
    return states, buffer.moves.policy[row, slot], targets[row, slot]

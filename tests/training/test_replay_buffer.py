"""The ring keeps the newest moves of each slot in order, and draws from nothing else."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from training import replay_buffer
from training.replay_buffer import Moves

pytestmark = pytest.mark.usefixtures("unoptimised")
SLOTS = 3
write = jax.jit(replay_buffer.write)
returns = jax.jit(replay_buffer.returns, static_argnums=1)
sample = jax.jit(replay_buffer.sample, static_argnums=3)


def moves(first: int, rows: int = 2, ended=()) -> Moves:
    """Row r of slot g says 10 r + g in all its parts. ended: rows whose moves win the game."""
    numbers = 10 * np.arange(first, first + rows)[:, None] + np.arange(SLOTS)
    over = np.isin(np.arange(first, first + rows), ended)[:, None].repeat(SLOTS, axis=1)
    return Moves(
        states={"cells": jnp.array(numbers, jnp.uint32), "moves": jnp.array(numbers, jnp.int32)},
        policy=jnp.array(numbers, jnp.float32)[..., None] + jnp.array([0.0, 0.5]),
        value=jnp.array(numbers, jnp.float32),
        reward=jnp.array(over, jnp.float32),
        ended=jnp.array(over),
        strayed=jnp.zeros((rows, SLOTS), bool),
    )


def ring(rows: int, length: int = 6, ended=()):
    """After so many rows, written in pieces of two."""
    buffer = replay_buffer.empty(jax.eval_shape(partial(moves, 0)), length)
    for first in range(0, rows, 2):
        buffer = write(buffer, moves(first, ended=ended))
    return buffer


def drawn(buffer, count=500):
    """The numbers of rows and slots in what is drawn, every part of it held against the others."""
    states, policy, targets = sample(buffer, buffer.moves.value, jax.random.key(1), count)
    numbers = np.asarray(states["cells"])
    np.testing.assert_array_equal(numbers, states["moves"])
    np.testing.assert_array_equal(numbers, targets)
    np.testing.assert_array_equal(policy, numbers[:, None] + [0.0, 0.5])  # no empty row has 0.5
    return numbers // 10, numbers % 10


def test_empty_ring_has_the_form_of_the_moves():
    buffer = ring(0)
    assert buffer.moves.states["cells"].shape == (6, SLOTS)
    assert buffer.moves.policy.shape == (6, SLOTS, 2)
    expected = [leaf.dtype for leaf in jax.tree.leaves(moves(0))]
    assert [leaf.dtype for leaf in jax.tree.leaves(buffer.moves)] == expected
    assert int(buffer.filled) == 0


@pytest.mark.parametrize(
    ("rows", "kept"),
    [(2, range(2)), (4, range(4)), (6, range(6)), (8, range(2, 8)), (14, range(8, 14))],
)
def test_only_what_is_filled_is_drawn_and_all_of_it(rows, kept):
    rows_drawn, slots = drawn(ring(rows))
    assert set(rows_drawn.tolist()) == set(kept)
    assert set(slots.tolist()) == set(range(SLOTS))
    counts = np.bincount(rows_drawn)[min(kept) :]
    assert counts.min() > 0.6 * 500 / len(kept), "evenly"


@pytest.mark.parametrize("rows", [6, 8, 10, 12, 16])
def test_full_ring_keeps_the_newest_rows_from_the_cursor_on(rows):
    buffer = ring(rows)
    oldest_first = np.roll(buffer.moves.value[:, 0], -int(buffer.cursor))
    assert (oldest_first // 10).tolist() == list(range(rows - 6, rows))


def plain(rows, ended):
    """Returns at lam 1 of slot 0, rows being all there is; newest last."""
    found, after = {}, -10.0 * rows[-1]
    for row in reversed(rows):
        after = 1.0 if row in ended else -after
        found[row] = after
    return [found[row] for row in rows]


@pytest.mark.parametrize("rows", [6, 8, 10, 14])
def test_returns_follow_games_across_the_seam_of_the_ring(rows):
    """Games end with rows 1, 4, 7 and 11; the last may go on."""
    ended = (1, 4, 7, 11)
    buffer = ring(rows, ended=ended)
    found = np.asarray(returns(buffer, 1.0))[:, 0]
    kept = [int(row) // 10 for row in buffer.moves.value[:, 0]]
    expected = dict(zip(sorted(kept), plain(sorted(kept), ended), strict=True))
    assert found.tolist() == [expected[row] for row in kept]


def test_whole_game_in_a_ring_that_is_not_full_is_told_by_its_end():
    """Five moves; the first seat won with the fifth."""
    found = np.asarray(returns(ring(6, length=8, ended=(4,)), 1.0))[:, 1]
    assert found[:5].tolist() == [1, -1, 1, -1, 1]
    assert found[5] == 51, "of the next game, only its value is known"


def test_returns_of_rows_change_when_their_game_ends():
    before, after = ring(4, ended=(4,)), ring(6, ended=(4,))
    assert np.asarray(returns(before, 1.0))[:4, 0].tolist() == [-30, 30, -30, 30]
    assert np.asarray(returns(after, 1.0))[:4, 0].tolist() == [1, -1, 1, -1]

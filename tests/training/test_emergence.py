"""Entropy and structure of fields made by hand."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from training.tracking import emergence

pytestmark = pytest.mark.usefixtures("unoptimised")

WORLDS = 4
NOISE = np.random.default_rng(5)


def field(values: np.ndarray) -> jax.Array:
    """Every written channel of every world is alike; the others, which nobody writes, are full."""
    rest = np.ones((WORLDS, *values.shape, 4), np.float32)
    rest[..., :2] = values[..., None]
    return jnp.asarray(rest)


def test_empty_field_has_no_entropy_and_no_structure() -> None:
    assert tuple(map(float, emergence.measure(field(np.zeros((20, 20)))))) == (0.0, 0.0)


def test_even_field_has_all_entropy_and_no_structure() -> None:
    entropy, structure = emergence.measure(field(np.full((20, 20), 0.3)))
    assert entropy == pytest.approx(math.log(400), abs=1e-4)
    assert structure == 0


def test_field_in_one_cell_has_no_entropy() -> None:
    spike = np.zeros((20, 20))
    spike[3, 7] = 0.01
    assert float(emergence.measure(field(spike)).entropy) == pytest.approx(0, abs=1e-4)


def test_smooth_field_has_structure_and_noise_has_none() -> None:
    rows, columns = np.mgrid[:20, :20]
    hill = np.exp(-((rows - 9) ** 2 + (columns - 5) ** 2) / 30)
    assert emergence.measure(field(hill)).structure > 0.95
    assert emergence.measure(field(NOISE.random((20, 20)))).structure < 0.2
    checks = (rows + columns) % 2
    assert emergence.measure(field(checks)).structure == 0, "what is opposed is no structure"


def test_structure_is_the_correlation_with_neighbours_on_the_map() -> None:
    values = NOISE.random((5, 7)).cumsum(axis=1)
    around = np.zeros_like(values)
    for row, column in np.ndindex(*values.shape):
        near = [(row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)]
        inside = [values[i, j] for i, j in near if 0 <= i < 5 and 0 <= j < 7]
        around[row, column] = np.mean(inside)
    wanted = np.corrcoef(values.ravel(), around.ravel())[0, 1]
    shares = values / values.sum()
    found = emergence.measure(field(values))
    assert found.structure == pytest.approx(wanted, abs=1e-4)
    assert found.entropy == pytest.approx(-(shares * np.log(shares)).sum(), abs=1e-4)


def test_all_worlds_are_measured() -> None:
    values = np.array(field(np.zeros((20, 20))))
    values[-1, ..., :2] = 1.0
    found = emergence.measure(jnp.asarray(values))
    assert found.entropy == pytest.approx(math.log(400) / WORLDS, abs=1e-4)

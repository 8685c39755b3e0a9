"""Weights that diverge, behaviour that falls into groups, groups that breed true."""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.training.deeds import deeds
from training.tracking import clusters, divergence, specialization

pytestmark = pytest.mark.usefixtures("unoptimised")

SIZE = 10
NOISE = np.random.default_rng(5)


def evenly(count: int, of: int) -> jax.Array:
    return jnp.where(jnp.arange(of) < count, 1 / max(count, 1), 0)


def test_divergence_is_the_cosine_distance_of_pairs_of_the_living() -> None:
    shared, genomes = NOISE.normal(size=SIZE), NOISE.normal(size=(6, SIZE))
    own = shared + genomes[:4]
    own /= np.linalg.norm(own, axis=1, keepdims=True)
    distances = [1 - own[i] @ own[j] for i in range(4) for j in range(i)]
    mean, largest = divergence.weights(jnp.asarray(shared), jnp.asarray(genomes), evenly(4, 6))
    assert mean == pytest.approx(np.mean(distances), rel=1e-4)
    assert largest == pytest.approx(np.max(distances), rel=1e-4)


def test_small_divergence_is_no_rounding() -> None:
    shared, genomes = NOISE.normal(size=500), 1e-5 * NOISE.normal(size=(6, 500))
    own = shared + genomes
    ways = own / np.linalg.norm(own, axis=1, keepdims=True)
    wanted = np.mean([((a - b) ** 2).sum() / 2 for a in ways for b in ways]) * 6 / 5
    mean, _ = divergence.weights(
        jnp.asarray(shared, jnp.float32), jnp.asarray(genomes, jnp.float32), evenly(6, 6)
    )
    assert mean == pytest.approx(wanted, rel=0.1)


@pytest.mark.parametrize("living", [0, 1, 6])
def test_equal_weights_and_loners_do_not_diverge(living: int) -> None:
    genomes = jnp.ones((6, SIZE)) if living == 6 else jnp.asarray(NOISE.normal(size=(6, SIZE)))
    assert divergence.weights(jnp.ones(SIZE), genomes, evenly(living, 6)) == (0, 0)


def test_families_count_as_many_equal_ones() -> None:
    lineage = jnp.array([3, 3, 7, 7, 7, 7])
    assert divergence.families(lineage, evenly(4, 6)) == pytest.approx((0.5, 2), rel=1e-5)
    assert divergence.families(lineage, evenly(2, 6)) == pytest.approx((1, 1), rel=1e-5)
    assert divergence.families(lineage, evenly(0, 6)) == (0, 0)
    largest, number = divergence.families(lineage, evenly(6, 6))
    assert largest == pytest.approx(4 / 6)
    assert 1 < number < 2


def groups(count: int, seed: int, apart: float = 6.0) -> tuple[np.ndarray, np.ndarray]:
    source = np.random.default_rng(seed)
    labels = source.integers(0, count, 256)
    centres = apart * source.normal(size=(count, 7))
    return centres[labels] + source.normal(size=(256, 7)), labels


FIND = jax.jit(clusters.find)


@pytest.mark.parametrize("count", [2, 3, 4, 5])
def test_groups_are_found(count: int) -> None:
    points, labels = groups(count, seed=count)
    found = FIND(jnp.asarray(points, jnp.float32), evenly(200, 256))
    assert found.number == count
    assert found.clustering > 0.3
    pairs = {*zip(labels[:200].tolist(), found.labels[:200].tolist(), strict=True)}
    assert len(pairs) == count, "each group is one cluster"


@pytest.mark.parametrize("form", ["normal", "uniform", "exponential", "line"])
@pytest.mark.parametrize("seed", range(3))
def test_what_has_no_groups_is_one_cluster(form: str, seed: int) -> None:
    source = np.random.default_rng(seed)
    points = {
        "normal": source.normal(size=(256, 7)),
        "uniform": source.random((256, 7)),
        "exponential": source.exponential(size=(256, 7)),
        "line": np.outer(source.normal(size=256), np.arange(7)),
    }[form]
    found = FIND(jnp.asarray(points, jnp.float32), evenly(128, 256))
    assert found.number == 1
    assert found.clustering < clusters.CLEARLY
    assert not np.any(found.labels)


@pytest.mark.parametrize("count", [0, 1, 19, 256])
def test_equal_and_few_points_have_no_groups(count: int) -> None:
    points = jnp.ones((256, 7)) if count == 256 else jnp.asarray(groups(2, 0)[0], jnp.float32)
    found = FIND(points, evenly(count, 256))
    assert (int(found.number), float(found.silhouette), float(found.clustering)) == (1, 0, 0)


def test_one_outlier_is_no_group() -> None:
    points = NOISE.normal(size=(256, 7))
    points[0] = 1000
    assert FIND(jnp.asarray(points, jnp.float32), evenly(256, 256)).number == 1


def measured(rest: np.ndarray, haul: np.ndarray, lineage: np.ndarray) -> Any:
    shape = rest.shape
    facts = jnp.ones(SIZE), jnp.zeros((*shape, SIZE)), jnp.ones(shape, bool)
    return jax.jit(specialization.measure)(*facts, jnp.asarray(lineage), deeds(rest, haul))


CASTE = np.arange(16) % 2 == np.zeros((16, 1), bool)  # 16 worlds, in each as many of both
FAMILIES = np.arange(16) % 4 + np.zeros((16, 1), np.int64)  # two of each caste


def test_castes_that_breed_true_are_species() -> None:
    found = measured(np.where(CASTE, 0.97, 0.0), np.where(CASTE, 0.0, 0.97), FAMILIES)
    assert (found.clusters, found.species, found.agents) == (2, 2, 256)
    assert found.heritability == 1
    assert found.clustering > 0.95
    assert 0.4 < found.division_of_labour < math.log(2) / math.log(3)
    assert found.score > 0.75
    assert found.writers == 0.5


def test_castes_in_every_family_are_no_species() -> None:
    mixed = NOISE.permuted(FAMILIES, axis=1)
    found = measured(np.where(CASTE, 0.97, 0.0), np.where(CASTE, 0.0, 0.97), mixed)
    assert (found.clusters, found.species) == (2, 0)
    assert found.heritability < 0.1


def test_agents_that_do_all_alike_are_not_specialized() -> None:
    shares = 0.33 + 0.02 * NOISE.normal(size=(2, 16, 16))
    found = measured(*shares, FAMILIES)
    assert (found.clusters, found.species, found.heritability) == (1, 0, 0)
    assert found.division_of_labour < 0.02
    assert found.score < 0.1, "what the guide's own score calls 0.76"


def test_one_family_says_nothing_of_heredity() -> None:
    found = measured(np.where(CASTE, 0.97, 0.0), np.where(CASTE, 0.0, 0.97), 0 * FAMILIES)
    assert (found.clusters, found.species, found.heritability) == (2, 0, 0)


@pytest.mark.parametrize(
    ("worlds", "slots", "sample"), [(32, 32, (4, 8)), (1024, 32, (128, 8)), (3, 8, (1, 3))]
)
def test_sample_is_bounded_and_spread_over_the_worlds(
    worlds: int, slots: int, sample: tuple[int, int]
) -> None:
    assert specialization._sample(worlds, slots) == sample

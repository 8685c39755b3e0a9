"""Trackers measure what they say, notice what is unusual, and are cheap and exact."""

import dataclasses
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from training import behaviour, config, fields, trackers
from training.behaviour import Behaviour
from training.tracking import clusters, divergence, emergence, specialization, surprises
from training.trackers import SERIES, Facts, Tracking

WORLDS, SLOTS, SIZE = 4, 8, 10
NOISE = np.random.default_rng(5)


def told(series: np.ndarray, threshold: float = 3.0, window: int = 20) -> list[dict[str, Any]]:
    """The events in one series, the steps of which count from 1."""

    def step(carry: Any, value: jax.Array) -> tuple[Any, None]:
        number, *state = carry
        number = number + 1
        after = surprises.notice(*state, value[None], jnp.ones(1, bool), number, threshold)
        return (number, *after), None

    first = jnp.uint32(0), surprises.no_series(window, 1), surprises.no_events(512, 1)
    (_, _, ring), _ = jax.lax.scan(step, first, jnp.asarray(series, jnp.float32))
    return surprises.read(ring, ("order",), 0)


def noise(length: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=length)


def slowing(length: int, seed: int) -> np.ndarray:
    """Noise whose memory grows to the critical point: x <- rho x + e, rho from 0 to 1."""
    shocks, series = noise(length, seed), np.zeros(length)
    memory = np.clip(np.linspace(-1, 1, length), 0, 0.99)
    for place in range(1, length):
        series[place] = memory[place] * series[place - 1] + shocks[place]
    return series


def test_step_change_is_told_once() -> None:
    series = 5 + 0.1 * noise(120, seed=3)
    series[60:] += 4
    (event,) = told(series)
    assert (event["kind"], event["metric"], event["step"]) == ("jump", "order", 61)
    assert event["mean"] == pytest.approx(series[40:60].mean(), abs=1e-5)
    assert event["value"] == pytest.approx(series[60], abs=1e-5)
    z = (series[60] - series[40:60].mean()) / series[40:60].std(ddof=1)
    assert event["z"] == pytest.approx(z, rel=1e-3)


def test_step_down_and_back_up_is_told_twice() -> None:
    series = 0.1 * noise(160, seed=4)
    series[60:110] -= 4
    assert [(e["step"], e["z"] > 0) for e in told(series)] == [(61, False), (111, True)]


def test_white_noise_is_rarely_told() -> None:
    events = told(noise(2000))
    assert 0 < len(events) < 0.02 * 2000
    assert sum(event["kind"] == "phase" for event in events) < 0.01 * 2000


@pytest.mark.parametrize("value", [0.0, 4.6, -1e6])
def test_constant_is_never_told_nor_is_its_rounding(value: float) -> None:
    wobble = np.nextafter(np.float32(value), np.float32(np.inf))
    assert told(np.where(np.arange(200) % 7 < 3, np.float32(value), wobble)) == []


def test_nothing_is_told_before_the_window_is_full() -> None:
    assert told(np.array([0.0] * 10 + [1e3] * 10)) == []


def test_steady_ramp_is_no_phase_transition() -> None:
    assert all(event["kind"] == "jump" for event in told(np.linspace(0, 10, 200)))


def test_critical_slowing_is_a_phase_transition() -> None:
    found = [told(slowing(300, seed)) for seed in range(20)]
    phases = [[e for e in events if e["kind"] == "phase"] for events in found]
    assert sum(map(bool, phases)) >= 14
    for event in (event for events in phases for event in events):
        assert event["z"] > 3
        assert event["value"] > event["mean"] > 0


def test_jump_is_no_phase_transition() -> None:
    for seed in range(20):
        series = noise(60, seed)
        series[45:] += 20
        kinds = [event["kind"] for event in told(series) if event["step"] > 45]
        assert kinds == ["jump"]


def test_values_that_are_no_numbers_are_no_events_and_pass() -> None:
    series = noise(200, seed=3)
    series[60] = np.nan
    assert not [event for event in told(series[:80]) if event["step"] > 60]
    series[150:] += 50
    assert told(series)[-1]["step"] == 151


def test_ring_keeps_the_last_events_and_counts_all() -> None:
    ring = surprises.no_events(4, 2)
    for step in range(1, 8):
        is_event = jnp.zeros((2, 2), bool).at[0, 1].set(step != 6)
        ring = surprises._written(ring, is_event, jnp.full((2, 2, 3), step), jnp.uint32(step))
    assert int(ring.told) == 6
    assert [event["step"] for event in surprises.read(ring, ("a", "b"), 0)] == [4, 5, 7]
    assert [event["step"] for event in surprises.read(ring, ("a", "b"), 5)] == [7]
    assert {event["metric"] for event in surprises.read(ring, ("a", "b"), 0)} == {"b"}


# What is measured


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


def deeds(rest: np.ndarray, haul: np.ndarray, steps: float = 200.0) -> Behaviour:
    """Of agents that rest and haul for these shares of their lives, and else go up or down."""
    nothing = np.zeros(rest.shape)
    search = 1 - rest - haul
    actions = np.stack([rest, search / 2, search / 2, nothing, nothing], axis=-1)
    sums = Behaviour(actions, haul, *[nothing] * 5)
    return Behaviour(*(jnp.asarray(each * steps, jnp.float32) for each in sums))


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


# Once an update


def facts(seed: int = 0) -> Facts:
    source = np.random.default_rng(seed)
    shape = WORLDS, SLOTS
    return Facts(
        field=jnp.asarray(source.random((WORLDS, 20, 20, 4)), jnp.float32),
        shared=jnp.asarray(source.normal(size=SIZE), jnp.float32),
        genomes=jnp.asarray(0.1 * source.normal(size=(*shape, SIZE)), jnp.float32),
        alive=jnp.asarray(source.random(shape) < 0.8),
        lineage=jnp.asarray(source.integers(0, 5, shape), jnp.int32),
        behaviour=deeds(source.random(shape) / 2, source.random(shape) / 2),
    )


OBSERVE = jax.jit(trackers.observe, static_argnums=0)


def test_what_is_not_due_is_held() -> None:
    settings = Tracking(emergence_interval=100, specialization_interval=250)
    first, metrics = OBSERVE(settings, trackers.empty(settings), 0, 99, facts())
    assert set(map(float, metrics.values())) == {0.0}
    second, metrics = OBSERVE(settings, first, 99, 100, facts())
    assert metrics["emergence/entropy"] > 5
    assert metrics["specialization/weight_divergence"] == 0
    third, later = OBSERVE(settings, second, 100, 199, facts(1))
    assert later == metrics
    _, later = OBSERVE(settings, third, 199, 260, facts(1))
    assert later["emergence/entropy"] != metrics["emergence/entropy"]
    assert later["specialization/weight_divergence"] > 0
    measured = np.asarray(third.series.measured)
    assert measured.tolist() == [1] * 2 + [0] * (len(SERIES) - 2)


def test_interval_of_zero_is_never_due() -> None:
    settings = Tracking(emergence_interval=0, specialization_interval=0)
    tracks, metrics = OBSERVE(settings, trackers.empty(settings), 0, 10**6, facts())
    assert set(map(float, metrics.values())) == {0.0}
    assert not np.any(tracks.series.measured)


def test_update_that_crosses_many_intervals_is_measured_once() -> None:
    settings = Tracking()
    tracks, metrics = OBSERVE(settings, trackers.empty(settings), 0, 131_072, facts())
    assert np.asarray(tracks.series.measured).tolist() == [1] * len(SERIES)
    assert all(value.dtype == jnp.float32 and np.isfinite(value) for value in metrics.values())
    assert {*SERIES} <= {*metrics}


def test_jump_of_the_field_is_told_with_its_step() -> None:
    settings, step, calm = Tracking(emergence_interval=100), 2**31, facts()
    tracks = trackers.empty(settings)
    for number in range(25):
        even = calm._replace(field=calm.field.at[0, 0, 0, 0].set(number % 3))
        tracks, _ = OBSERVE(settings, tracks, jnp.uint32(step), jnp.uint32(step + 100), even)
        step += 100
    assert trackers.events_since(tracks, 0) == []
    spiked = calm._replace(field=calm.field.at[:, 3, 3].set(1e4))
    tracks, _ = OBSERVE(settings, tracks, jnp.uint32(step), jnp.uint32(step + 100), spiked)
    events = trackers.events_since(tracks, step)
    assert {event["metric"] for event in events} == {"emergence/entropy", "emergence/structure"}
    assert {event["step"] for event in events} == {step + 100}
    assert [*events[0]] == ["kind", "metric", "step", "mean", "value", "z"]
    assert trackers.events_since(tracks, step + 100) == []


def test_nobody_alive_is_no_error() -> None:
    extinct = facts()._replace(alive=jnp.zeros((WORLDS, SLOTS), bool))
    _, metrics = OBSERVE(Tracking(), trackers.empty(Tracking()), 0, 131_072, extinct)
    assert all(np.isfinite(value) for value in metrics.values())
    assert metrics["specialization/agents"] == metrics["specialization/score"] == 0


def test_shapes_stay_as_they_are() -> None:
    tracks = trackers.empty(Tracking())
    after, _ = OBSERVE(Tracking(), tracks, 0, 131_072, facts())
    for before, now in zip(jax.tree.leaves(tracks), jax.tree.leaves(after), strict=True):
        assert (before.dtype, before.shape) == (now.dtype, now.shape)
        assert before.dtype in (jnp.float32, jnp.int32, jnp.uint32, bool)


def test_settings_are_checked_like_others() -> None:
    with pytest.raises(config.ConfigError, match='"window" must be at least 4'):
        fields.build(Tracking, {"window": 1})
    plain = fields.plain(Tracking(window=30))
    assert fields.build(Tracking, plain) == dataclasses.replace(Tracking(), window=30)
    assert behaviour.FEATURES[:2] == ("rest", "haul"), "by which labour is divided"

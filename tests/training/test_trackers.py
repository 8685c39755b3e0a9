"""Trackers measure what is due, tell what is unusual, and are arrays of fixed shapes."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.training.deeds import deeds
from training import config, fields, trackers
from training.trackers import SERIES, Facts, Tracking, Tracks

pytestmark = pytest.mark.usefixtures("unoptimised")

WORLDS, SLOTS, SIZE = 4, 8, 10


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


USUAL = Tracking(emergence_interval=100, specialization_interval=250)
OBSERVE = jax.jit(trackers.observe, static_argnums=0)


def observed(
    tracks: Tracks, before: int, now: int, facts: Facts, settings: Tracking = USUAL
) -> tuple[Tracks, dict[str, jax.Array]]:
    return OBSERVE(settings, tracks, jnp.uint32(before), jnp.uint32(now), facts)


def test_what_is_not_due_is_held() -> None:
    first, metrics = observed(trackers.empty(USUAL), 0, 99, facts())
    assert set(map(float, metrics.values())) == {0.0}
    second, metrics = observed(first, 99, 100, facts())
    assert metrics["emergence/entropy"] > 5
    assert metrics["specialization/weight_divergence"] == 0
    third, later = observed(second, 100, 199, facts(1))
    assert later == metrics
    _, later = observed(third, 199, 260, facts(1))
    assert later["emergence/entropy"] != metrics["emergence/entropy"]
    assert later["specialization/weight_divergence"] > 0
    measured = np.asarray(third.series.measured)
    assert measured.tolist() == [1] * 2 + [0] * (len(SERIES) - 2)


def test_interval_of_zero_is_never_due() -> None:
    settings = Tracking(emergence_interval=0, specialization_interval=0)
    tracks, metrics = observed(trackers.empty(settings), 0, 10**6, facts(), settings)
    assert set(map(float, metrics.values())) == {0.0}
    assert not np.any(tracks.series.measured)


def test_update_that_crosses_many_intervals_is_measured_once() -> None:
    tracks, metrics = observed(trackers.empty(USUAL), 0, 131_072, facts())
    assert np.asarray(tracks.series.measured).tolist() == [1] * len(SERIES)
    assert all(value.dtype == jnp.float32 and np.isfinite(value) for value in metrics.values())
    assert {*SERIES} <= {*metrics}


def test_jump_of_the_field_is_told_with_its_step() -> None:
    step, calm, tracks = 2**31, facts(), trackers.empty(USUAL)
    for number in range(25):
        even = calm._replace(field=calm.field.at[0, 0, 0, 0].set(number % 3))
        tracks, _ = observed(tracks, step, step + 100, even)
        step += 100
    assert trackers.events_since(tracks, 0) == []
    spiked = calm._replace(field=calm.field.at[:, 3, 3].set(1e4))
    tracks, _ = observed(tracks, step, step + 100, spiked)
    events = trackers.events_since(tracks, step)
    assert {event["metric"] for event in events} == {"emergence/entropy", "emergence/structure"}
    assert {event["step"] for event in events} == {step + 100}
    assert [*events[0]] == ["kind", "metric", "step", "mean", "value", "z"]
    assert trackers.events_since(tracks, step + 100) == []


def test_nobody_alive_is_no_error() -> None:
    extinct = facts()._replace(alive=jnp.zeros((WORLDS, SLOTS), bool))
    _, metrics = observed(trackers.empty(USUAL), 0, 131_072, extinct)
    assert all(np.isfinite(value) for value in metrics.values())
    assert metrics["specialization/agents"] == metrics["specialization/score"] == 0


def test_shapes_stay_as_they_are() -> None:
    tracks = trackers.empty(USUAL)
    after, _ = observed(tracks, 0, 131_072, facts())
    for before, now in zip(jax.tree.leaves(tracks), jax.tree.leaves(after), strict=True):
        assert (before.dtype, before.shape) == (now.dtype, now.shape)
        assert before.dtype in (jnp.float32, jnp.int32, jnp.uint32, bool)


def test_settings_are_checked_like_others() -> None:
    with pytest.raises(config.ConfigError, match='"window" must be at least 4'):
        fields.build(Tracking, {"window": 1})
    plain = fields.plain(Tracking(window=30))
    assert fields.build(Tracking, plain) == dataclasses.replace(Tracking(), window=30)

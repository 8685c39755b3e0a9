"""Jumps and phase transitions in hand-made series: what is told, and what is not."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from training.tracking import surprises

pytestmark = pytest.mark.usefixtures("unoptimised")


def told(series: np.ndarray) -> list[dict[str, Any]]:
    """The events in one series, the steps of which count from 1."""
    return surprises.read(observed(jnp.asarray(series, jnp.float32)), ("order",), 0)


def told_of_each(series: list[np.ndarray]) -> list[list[dict[str, Any]]]:
    rings = jax.device_get(jax.vmap(observed)(jnp.asarray(np.stack(series), jnp.float32)))
    each = (surprises.Ring(*columns) for columns in zip(*rings, strict=True))
    return [surprises.read(ring, ("order",), 0) for ring in each]


@jax.jit
def observed(series: jax.Array) -> surprises.Ring:
    def step(carry: Any, value: jax.Array) -> tuple[Any, None]:
        number, *state = carry
        after = surprises.notice(*state, value[None], jnp.ones(1, bool), number + 1, 3.0)
        return (number + 1, *after), None

    first = jnp.uint32(0), surprises.no_series(20, 1), surprises.no_events(512, 1)
    (_, _, ring), _ = jax.lax.scan(step, first, series)
    return ring


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
    series = 5 + 0.1 * noise(120, seed=4)
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
    found = told_of_each([slowing(300, seed) for seed in range(20)])
    phases = [[e for e in events if e["kind"] == "phase"] for events in found]
    assert sum(map(bool, phases)) >= 14
    for event in (event for events in phases for event in events):
        assert event["z"] > 3
        assert event["value"] > event["mean"] > 0


def test_jump_is_no_phase_transition() -> None:
    jump = np.where(np.arange(60) < 45, 0, 20)
    for events in told_of_each([noise(60, seed) + jump for seed in range(20)]):
        assert [event["kind"] for event in events if event["step"] > 45] == ["jump"]


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

"""Notices jumps and phase transitions in series of measures, and remembers the last of them.

Shapes: M series, W measures in the window, E events in the ring.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

KINDS = ("jump", "phase")
REARMED = 0.5  # share of the threshold below which a jump is over
RELATIVE, ABSOLUTE = 1e-3, 1e-6  # least deviation, of the mean and as such: no rounding is a jump


class Ring(NamedTuple):
    """The measurements with the last events, E - 1 of them; told: how many there ever were.

    The row told % E is the next one's. step: uint32[E]. is_event: bool[E, 2, M], by kind.
    numbers: float32[E, 2, M, 3], mean, value and z.
    """

    told: Array
    step: Array
    is_event: Array
    numbers: Array


class Series(NamedTuple):
    """The last 2 W measures of M series: values [2 W, M], oldest first; measured: how many ever.

    calm: measures since the last that was beyond the threshold. told: [2, M], by kind: there was
    an event that is not over yet.
    """

    values: Array
    measured: Array
    calm: Array
    told: Array


class Windows(NamedTuple):
    """The last W + 1 windows of W measures [W + 1, M]: mean, variance, autocorrelation time."""

    mean: Array
    variance: Array
    time: Array


def no_series(window: int, count: int) -> Series:
    number = jnp.zeros(count, jnp.int32)
    return Series(
        jnp.zeros((2 * window, count)), number, number, jnp.zeros((len(KINDS), count), bool)
    )


def no_events(size: int, count: int) -> Ring:
    shape = size, len(KINDS), count
    steps = jnp.zeros(size, jnp.uint32)
    return Ring(jnp.zeros((), jnp.int32), steps, jnp.zeros(shape, bool), jnp.zeros((*shape, 3)))


def notice(
    series: Series, ring: Ring, values: Array, is_new: Array, step: Array, threshold: float
) -> tuple[Series, Ring]:
    """One measure more, float32[M], in the series where is_new; what is noticed goes into the ring.

    Jump: a value lies more than `threshold` standard deviations off the mean of the W before it.
    Phase transition: the variance of the last W values lies so far above the last W variances,
    while their lag-1 autocorrelation time is longer than it was on average: fluctuations grow and
    slow down (Scheffer et al., Nature 461, 2009). A window with a jump in it is not judged.
    What lasts is told once, and again only when it has been within half of the threshold.
    """
    size = len(series.values) // 2
    pushed = jnp.concatenate([series.values[1:], values[None]])
    windows = _windows(pushed)
    numbers = _compared(pushed[-1], windows)
    z = numbers[..., 2]
    is_beyond = jnp.stack([jnp.abs(z[0]), z[1]]) > threshold
    measured = series.measured + 1
    jumps = is_beyond[0] & (measured > size)
    calm = jnp.where(jumps, 0, series.calm + 1)
    is_slower = windows.time[-1] > jnp.mean(windows.time[:-1], axis=0)
    phases = is_beyond[1] & is_slower & (measured > 2 * size) & (calm >= size)
    is_event = jnp.stack([jumps, phases])
    lasts = series.told & (jnp.abs(z) > REARMED * threshold)
    after = Series(pushed, measured, calm, is_event | lasts)
    kept = Series(*(jnp.where(is_new, new, old) for new, old in zip(after, series, strict=True)))
    return kept, _written(ring, is_event & ~series.told & is_new, numbers, step)


def read(ring: Ring, names: tuple[str, ...], since: int) -> list[dict[str, Any]]:
    """The events after step `since` that the ring still holds, oldest first, as JSON has them.

    mean, value: of a jump those of the series; of a phase transition those of its variance.
    """
    told, steps, is_event, numbers = jax.device_get(ring)
    rows = [number % len(steps) for number in range(max(0, told - len(steps) + 1), told)]
    return [
        {
            "kind": KINDS[kind],
            "metric": names[series],
            "step": int(steps[row]),
            **dict(
                zip(("mean", "value", "z"), map(float, numbers[row, kind, series]), strict=True)
            ),
        }
        for row in rows
        if steps[row] > since
        for kind, series in np.argwhere(is_event[row])
    ]


def _windows(values: Array) -> Windows:
    size = len(values) // 2
    windows = values[np.arange(size + 1)[:, None] + np.arange(size)]
    mean = jnp.mean(windows, axis=1)
    offset = windows - mean[:, None]
    power = jnp.sum(offset**2, axis=1)
    together = jnp.sum(offset[:, 1:] * offset[:, :-1], axis=1)
    correlation = jnp.clip(together / jnp.maximum(power, ABSOLUTE**2), 1e-6, 1 - 1e-6)
    return Windows(mean, power / (size - 1), -1 / jnp.log(correlation))


def _compared(value: Array, windows: Windows) -> Array:
    """[2, M, 3] by kind: mean before, value now, and z of that, in deviations that were usual."""
    variances = windows.variance[:-1]
    mean = jnp.stack([windows.mean[-2], jnp.mean(variances, axis=0)])
    now = jnp.stack([value, windows.variance[-1]])
    usual = jnp.stack([jnp.sqrt(windows.variance[-2]), jnp.std(variances, axis=0, ddof=1)])
    least = jnp.maximum(RELATIVE * jnp.abs(mean[0]), ABSOLUTE)
    z = (now - mean) / jnp.maximum(usual, jnp.stack([least, least**2]))
    return jnp.stack([mean, now, z], axis=-1)


def _written(ring: Ring, is_event: Array, numbers: Array, step: Array) -> Ring:
    """is_event: [2, M], numbers: [2, M, 3]. What is no event is overwritten by the next."""
    row = ring.told % len(ring.step)
    return Ring(
        told=ring.told + jnp.any(is_event),
        step=ring.step.at[row].set(step.astype(jnp.uint32)),
        is_event=ring.is_event.at[row].set(is_event),
        numbers=ring.numbers.at[row].set(numbers),
    )

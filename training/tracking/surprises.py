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
    """The last E events; told: how many there ever were. which: series + M * kind.

    numbers: float32[E, 3], mean, value and z.
    """

    told: Array
    which: Array
    step: Array
    numbers: Array


class Series(NamedTuple):
    """The last 2 W measures of M series: values [2 W, M], oldest first; measured: how many ever.

    calm: measures since the last that was beyond the threshold. jumping, changing: an event has
    been told and is not over yet.
    """

    values: Array
    measured: Array
    calm: Array
    jumping: Array
    changing: Array


class Windows(NamedTuple):
    """The last W + 1 windows of W measures [W + 1, M]: mean, variance, autocorrelation time."""

    mean: Array
    variance: Array
    time: Array


class Found(NamedTuple):
    """[M]: whether there is an event, and against which mean, with which value and z."""

    is_event: Array
    mean: Array
    value: Array
    z: Array


def no_series(window: int, count: int) -> Series:
    number, flag = jnp.zeros(count, jnp.int32), jnp.zeros(count, bool)
    return Series(jnp.zeros((2 * window, count)), number, number, flag, flag)


def no_events(size: int) -> Ring:
    number = jnp.zeros(size, jnp.int32)
    return Ring(jnp.zeros((), jnp.int32), number, number.astype(jnp.uint32), jnp.zeros((size, 3)))


def notice(
    series: Series, ring: Ring, values: Array, is_new: Array, step: Array, threshold: float
) -> tuple[Series, Ring]:
    """One measure more, float32[M], in the series where is_new; what is noticed goes into the ring.

    Jump: a value lies more than `threshold` standard deviations off the mean of the W before it.
    One that lasts is told once, and again only when the series has been within half of that.
    Phase transition: the variance of the last W values lies so far above the last W variances,
    while their lag-1 autocorrelation time is longer than it was on average: fluctuations grow and
    slow down (Scheffer et al., Nature 461, 2009). A window with a jump in it is not judged.
    """
    after = series._replace(
        values=jnp.concatenate([series.values[1:], values[None]]), measured=series.measured + 1
    )
    windows = _windows(after.values)
    jump, after = _jump(after, windows, threshold)
    phase, after = _phase(after, windows, threshold)
    kept = Series(*(jnp.where(is_new, new, old) for new, old in zip(after, series, strict=True)))
    found = Found(*(jnp.stack(pair) for pair in zip(jump, phase, strict=True)))
    return kept, _written(ring, found._replace(is_event=found.is_event & is_new), step)


def read(ring: Ring, names: tuple[str, ...], since: int) -> list[dict[str, Any]]:
    """The events after step `since` that the ring still holds, oldest first, as JSON has them.

    mean, value: of a jump those of the series; of a phase transition those of its variance.
    """
    told, which, steps, numbers = jax.device_get(ring)
    rows = [number % len(steps) for number in range(max(0, told - len(steps)), told)]
    return [
        {
            "kind": KINDS[which[row] // len(names)],
            "metric": names[which[row] % len(names)],
            "step": int(steps[row]),
            **dict(zip(("mean", "value", "z"), map(float, numbers[row]), strict=True)),
        }
        for row in rows
        if steps[row] > since
    ]


def _windows(values: Array) -> Windows:
    size = len(values) // 2
    rows = np.arange(size + 1)[:, None] + np.arange(size)
    windows = values[rows]
    mean = jnp.mean(windows, axis=1)
    offset = windows - mean[:, None]
    power = jnp.sum(offset**2, axis=1)
    together = jnp.sum(offset[:, 1:] * offset[:, :-1], axis=1)
    correlation = jnp.clip(together / jnp.maximum(power, ABSOLUTE**2), 1e-6, 1 - 1e-6)
    return Windows(mean, power / (size - 1), -1 / jnp.log(correlation))


def _jump(series: Series, windows: Windows, threshold: float) -> tuple[Found, Series]:
    size, value, mean = len(windows.mean) - 1, series.values[-1], windows.mean[-2]
    z = (value - mean) / jnp.maximum(jnp.sqrt(windows.variance[-2]), _least(windows))
    is_beyond = (series.measured > size) & (jnp.abs(z) > threshold)
    after = series._replace(
        calm=jnp.where(is_beyond, 0, series.calm + 1),
        jumping=is_beyond | (series.jumping & (jnp.abs(z) > REARMED * threshold)),
    )
    return Found(is_beyond & ~series.jumping, mean, value, z), after


def _phase(series: Series, windows: Windows, threshold: float) -> tuple[Found, Series]:
    size, before, value = len(windows.mean) - 1, windows.variance[:-1], windows.variance[-1]
    mean = jnp.mean(before, axis=0)
    z = (value - mean) / jnp.maximum(jnp.std(before, axis=0, ddof=1), _least(windows) ** 2)
    is_slower = windows.time[-1] > jnp.mean(windows.time[:-1], axis=0)
    is_judged = (series.measured >= 2 * size) & (series.calm >= size)
    changing = is_judged & (z > threshold) & is_slower
    return Found(changing & ~series.changing, mean, value, z), series._replace(changing=changing)


def _least(windows: Windows) -> Array:
    """Deviation to assume at least."""
    return jnp.maximum(RELATIVE * jnp.abs(windows.mean[-2]), ABSOLUTE)


def _written(ring: Ring, found: Found, step: Array) -> Ring:
    """found: [kinds, M], no more than E of them events."""
    size, is_event = len(ring.step), found.is_event.ravel()
    earlier = np.tri(len(is_event), k=-1, dtype=np.int32) @ is_event.astype(jnp.int32)
    here = (jnp.arange(size)[:, None] == (ring.told + earlier) % size) & is_event
    is_written = jnp.any(here, axis=1)
    numbers = jnp.stack([each.ravel() for each in found[1:]], axis=-1)
    return Ring(
        told=ring.told + jnp.sum(is_event),
        which=jnp.where(is_written, jnp.argmax(here, axis=1), ring.which),
        step=jnp.where(is_written, step.astype(jnp.uint32), ring.step),
        numbers=jnp.where(is_written[:, None], numbers[jnp.argmax(here, axis=1)], ring.numbers),
    )

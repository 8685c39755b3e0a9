"""Notices jumps and phase transitions in series of measures, and remembers the last of them.

Shapes: M series, W measures in the window, E events in the ring.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

KINDS = ("jump", "phase")
REARMED = 0.5  # share of the threshold below which a jump is over
RELATIVE, ABSOLUTE = 1e-3, 1e-6  # least deviation, of the mean and as such: no rounding is a jump


class Ring(NamedTuple):
    """The last E events; told: how many there ever were. which: series + M * kind."""

    told: Array
    which: Array
    step: Array
    mean: Array
    value: Array
    z: Array


class Series(NamedTuple):
    """Of M series the last W measures, variances of W measures and correlation times [W, M].

    Oldest first. measured: how many each series has had. calm: measures since the last that was
    beyond the threshold. jumping, changing: an event has been told and is not over yet.
    """

    values: Array
    variances: Array
    times: Array
    measured: Array
    calm: Array
    jumping: Array
    changing: Array


class Found(NamedTuple):
    """[M]: whether there is an event, and against which mean, with which value and z."""

    is_event: Array
    mean: Array
    value: Array
    z: Array


def no_series(window: int, count: int) -> Series:
    history = jnp.zeros((window, count))
    number, flag = jnp.zeros(count, jnp.int32), jnp.zeros(count, bool)
    return Series(history, history, history, number, number, flag, flag)


def no_events(size: int) -> Ring:
    number, real = jnp.zeros(size, jnp.int32), jnp.zeros(size)
    return Ring(jnp.zeros((), jnp.int32), number, jnp.zeros(size, jnp.uint32), real, real, real)


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
    jump, jumping, calm = _jump(series, values, threshold)
    after = _pushed(series, values)
    phase, changing = _phase(series, after, calm, threshold)
    after = after._replace(calm=calm, jumping=jumping, changing=changing)
    kept = Series(*(jnp.where(is_new, new, old) for new, old in zip(after, series, strict=True)))
    found = Found(*(jnp.concatenate(pair) for pair in zip(jump, phase, strict=True)))
    found = found._replace(is_event=found.is_event & jnp.tile(is_new, len(KINDS)))
    return kept, _written(ring, found, step)


def read(ring: Ring, names: tuple[str, ...], since: int) -> list[dict[str, Any]]:
    """The events after step `since` that the ring still holds, oldest first, as JSON has them.

    mean, value: of a jump those of the series; of a phase transition those of its variance.
    """
    columns = Ring(*jax.device_get(ring))
    size, count = len(columns.step), int(columns.told)
    rows = [number % size for number in range(max(0, count - size), count)]
    return [
        {
            "kind": KINDS[columns.which[row] // len(names)],
            "metric": names[columns.which[row] % len(names)],
            "step": int(columns.step[row]),
            "mean": float(columns.mean[row]),
            "value": float(columns.value[row]),
            "z": float(columns.z[row]),
        }
        for row in rows
        if columns.step[row] > since
    ]


def _jump(series: Series, values: Array, threshold: float) -> tuple[Found, Array, Array]:
    """The jumps, whether each series is in one, and how long it has been calm."""
    mean, z = _against(series.values, values, _least(series))
    is_full = series.measured >= len(series.values)
    is_beyond = is_full & (jnp.abs(z) > threshold)
    jumping = is_beyond | (series.jumping & (jnp.abs(z) > REARMED * threshold))
    calm = jnp.where(is_beyond, 0, series.calm + 1)
    return Found(is_beyond & ~series.jumping, mean, values, z), jumping, calm


def _phase(before: Series, now: Series, calm: Array, threshold: float) -> tuple[Found, Array]:
    variance, window = now.variances[-1], len(now.values)
    mean, z = _against(before.variances, variance, _least(before) ** 2)
    is_slower = now.times[-1] > jnp.mean(before.times, axis=0)
    is_judged = (before.measured >= 2 * window) & (calm >= window)
    changing = is_judged & (z > threshold) & is_slower
    return Found(changing & ~before.changing, mean, variance, z), changing


def _least(series: Series) -> Array:
    return jnp.maximum(RELATIVE * jnp.abs(jnp.mean(series.values, axis=0)), ABSOLUTE)


def _against(history: Array, value: Array, least: Array) -> tuple[Array, Array]:
    """Mean of the history [W, M], and z of a value [M] against it; least: deviation to assume."""
    mean = jnp.mean(history, axis=0)
    return mean, (value - mean) / jnp.maximum(jnp.std(history, axis=0, ddof=1), least)


def _pushed(series: Series, values: Array) -> Series:
    values = _push(series.values, values)
    offset = values - jnp.mean(values, axis=0)
    power = jnp.sum(offset**2, axis=0)
    correlation = jnp.sum(offset[1:] * offset[:-1], axis=0) / jnp.maximum(power, ABSOLUTE**2)
    return series._replace(
        values=values,
        variances=_push(series.variances, power / len(values)),
        times=_push(series.times, _time(correlation)),
        measured=series.measured + 1,
    )


def _push(history: Array, row: Array) -> Array:
    return jnp.concatenate([history[1:], row[None]])


def _time(correlation: Array) -> Array:
    """In measures; 0 where a value says nothing about the next."""
    return -1 / jnp.log(jnp.clip(correlation, 1e-6, 1 - 1e-6)) * (correlation > 0)


def _written(ring: Ring, found: Found, step: Array) -> Ring:
    """found: [2 M], no more than E of them events."""
    size = len(ring.step)
    place = (ring.told + jnp.cumsum(found.is_event) - 1) % size
    here = (jnp.arange(size)[:, None] == place) & found.is_event
    is_written = jnp.any(here, axis=-1)

    def put(column: Array, values: Array) -> Array:
        return jnp.where(is_written, jnp.sum(jnp.where(here, values, 0), axis=-1), column)

    return Ring(
        told=ring.told + jnp.sum(found.is_event),
        which=put(ring.which, jnp.arange(len(place))),
        step=jnp.where(is_written, step.astype(jnp.uint32), ring.step),
        mean=put(ring.mean, found.mean),
        value=put(ring.value, found.value),
        z=put(ring.z, found.z),
    )

"""Trackers of the foraging world: emergence, specialization, and the events in their course.

All of it is arrays of fixed shapes: part of a task's state, saved with it, exact over resumption.
"""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from training.behaviour import Behaviour
from training.tracking import emergence, specialization, surprises
from training.tracking.emergence import Emergence
from training.tracking.specialization import Specialization
from training.tracking.surprises import Ring, Series

MOST_STEPS = (1 << 31) - 1
WATCHED = 9  # the first fields of Specialization, which are real numbers; the rest are counts
SERIES = tuple(
    [f"emergence/{name}" for name in Emergence._fields]
    + [f"specialization/{name}" for name in Specialization._fields[:WATCHED]]
)


@dataclass(frozen=True)
class Tracking:
    """Intervals in steps, of which crossings count; 0: never measured.

    window, z: an event is a measure that many standard deviations off those in the window before.
    events: so many measurements with any are remembered, less one, until the log interval ends.
    """

    emergence_interval: int = field(default=10_000, metadata={"minimum": 0, "maximum": MOST_STEPS})
    specialization_interval: int = field(
        default=20_000, metadata={"minimum": 0, "maximum": MOST_STEPS}
    )
    window: int = field(default=20, metadata={"minimum": 4, "maximum": 200})
    z: float = field(default=3.0, metadata={"minimum": 0.5, "maximum": 100.0})
    events: int = field(default=64, metadata={"minimum": 2, "maximum": 10_000})


class Facts(NamedTuple):
    """What is looked at; N worlds with A slots each, D numbers of a genome.

    field: float32[N, R, K, C]. shared: float32[D], the shared weights where genomes offset them.
    genomes: float32[N, A, D]. alive: bool[N, A]. lineage: int32[N, A], a family name, the same
    in all worlds. behaviour: the sums of each slot's agent, [N, A].
    """

    field: Array
    shared: Array
    genomes: Array
    alive: Array
    lineage: Array
    behaviour: Behaviour


class Tracks(NamedTuple):
    """The last measures (0 before the first), their course, and the last events."""

    emergence: Emergence
    specialization: Specialization
    series: Series
    events: Ring


def empty(config: Tracking) -> Tracks:
    nothing = jnp.zeros(())
    return Tracks(
        Emergence(*[nothing] * len(Emergence._fields)),
        Specialization(*[nothing] * len(Specialization._fields)),
        surprises.no_series(config.window, len(SERIES)),
        surprises.no_events(config.events, len(SERIES)),
    )


def observe(
    config: Tracking, tracks: Tracks, before_step: Array, now_step: Array, facts: Facts
) -> tuple[Tracks, dict[str, Array]]:
    """Once an update, within its jit: measures what is due and notices what is unusual in it.

    The metrics are the last measures, float32 each, by their names in SERIES and others like them.
    """
    order_due = _crossed(before_step, now_step, config.emergence_interval)
    roles_due = _crossed(before_step, now_step, config.specialization_interval)
    tracks = tracks._replace(
        emergence=jax.lax.cond(
            order_due, lambda: emergence.measure(facts.field), lambda: tracks.emergence
        ),
        specialization=jax.lax.cond(
            roles_due, lambda: specialization.measure(*facts[1:]), lambda: tracks.specialization
        ),
    )
    is_new = jnp.where(np.arange(len(SERIES)) < len(Emergence._fields), order_due, roles_due)
    series, events = surprises.notice(
        tracks.series, tracks.events, _watched(tracks), is_new, now_step, config.z
    )
    return tracks._replace(series=series, events=events), _metrics(tracks)


def events_since(tracks: Tracks, step: int) -> list[dict[str, Any]]:
    """On the host, the events after this step, oldest first: kind, metric, step, mean, value, z.

    kind: "jump" or "phase", see surprises.notice; mean and value of the latter are variances.
    """
    return surprises.read(tracks.events, SERIES, step)


def _crossed(before: Array, now: Array, interval: int) -> Array:
    if not interval:
        return jnp.zeros((), bool)
    return now // interval > before // interval


def _watched(tracks: Tracks) -> Array:
    return jnp.stack([*tracks.emergence, *tracks.specialization[:WATCHED]])


def _metrics(tracks: Tracks) -> dict[str, Array]:
    order, roles = tracks.emergence._asdict(), tracks.specialization._asdict()
    return {f"emergence/{name}": value for name, value in order.items()} | {
        f"specialization/{name}": value for name, value in roles.items()
    }

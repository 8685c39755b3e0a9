"""Distances and neighbours on the map of foraging."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .world import Map, World, map_of  # noqa: TID252 - see foraging.py

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]


class Ground(NamedTuple):
    """A map, and what follows from it: sizes, the nest of every slot, neighbouring lines.

    around: for rows and for columns, the line before each and the line after it.
    """

    map: Map
    size: Ints
    home: Ints
    around: tuple[tuple[Ints, Ints], ...]


@lru_cache(maxsize=64)
def ground_of(world: World, colonies: int) -> Ground:
    area = map_of(world, colonies)
    size = np.array([area.rows, area.columns], np.int32)
    return Ground(
        map=area,
        size=size,
        home=area.nests[area.colony],
        around=tuple(_beside(length, area.wraps) for length in (area.rows, area.columns)),
    )


def _beside(length: int, wraps: bool) -> tuple[Ints, Ints]:
    line = np.arange(length, dtype=np.int32)
    if wraps:
        return np.roll(line, 1), np.roll(line, -1)
    return np.maximum(line - 1, 0), np.minimum(line + 1, length - 1)


def within(ground: Ground, position: Ints) -> Ints:
    """Positions beyond the edge, brought back: around, or to the edge."""
    if ground.map.wraps:
        return position % ground.size
    return np.minimum(np.maximum(position, 0), ground.size - 1)


def shortest(ground: Ground, difference: Ints) -> Ints:
    """Differences between positions; the shortest ones around where the map wraps."""
    if not ground.map.wraps:
        return difference
    half = ground.size // 2
    return (difference + half) % ground.size - half


def distances(ground: Ground, agents: Ints, food: Ints) -> tuple[Ints, Ints]:
    """[agents, food]: how many rows and how many columns lie between."""
    down = np.abs(agents[:, None, 0] - food[:, 0])
    right = np.abs(agents[:, None, 1] - food[:, 1])
    if ground.map.wraps:
        down = np.minimum(down, ground.map.rows - down)
        right = np.minimum(right, ground.map.columns - right)
    return down, right


def blur(ground: Ground, field: Floats) -> Floats:
    """Means of the cells around, weighted [1 2 1; 2 4 2; 1 2 1] / 16. field: [channels, R, K]."""
    for axis, (back, forth) in enumerate(ground.around, 1):
        field = field * 2 + field.take(back, axis) + field.take(forth, axis)
    return field * np.float32(1 / 16)


def count(ground: Ground, position: Ints) -> NDArray[np.int_]:
    """[R, K]: how many of these positions are in each cell."""
    rows, columns = ground.map.rows, ground.map.columns
    cells = position[:, 0] * columns + position[:, 1]
    return np.bincount(cells, minlength=rows * columns).reshape(rows, columns)

"""What a foraging world is made of: its settings and its map. No rules here."""

from dataclasses import dataclass, field, fields
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

LAYOUTS = {1: (1, 1), 2: (1, 2), 3: (1, 3), 4: (2, 2)}  # home ranges down and across, by colonies
ACTIONS = ((0, 0), (-1, 0), (1, 0), (0, -1), (0, 1))  # stay, up, down, left, right: (row, column)
CARRIED_ENERGY = 0.95  # share of food_energy that the agent gets for a delivery
PICKUP_REWARD, DELIVERY_REWARD = 0.1, 0.9  # shares of food_energy
TRAIL, TERRITORY = 0, 1  # channels of the field that are written
SEEN_FOOD = 5  # nearest items in an observation, three numbers each
Cells = NDArray[np.int32]


def _count(default: int, minimum: int, maximum: int) -> Any:
    return field(default=default, metadata={"minimum": minimum, "maximum": maximum})


def _amount(default: float, maximum: float = 10_000.0, minimum: float = 0.0) -> Any:
    return field(default=default, metadata={"minimum": minimum, "maximum": maximum})


@dataclass(frozen=True)
class World:
    """Settings of one world; counts are for each colony. Energy in units, rates per step.

    grid_size: rows and columns of a home range. max_steps: of an episode. num_agents: founders;
    max_agents: slots; min_agents: below it founders are added. food_seen: nearest items that an
    agent sees, of at most five. food_respawn_prob: per step of an item that was taken.
    """

    grid_size: int = _count(20, 8, 64)
    max_steps: int = _count(500, 1, 100_000)
    nest_radius: int = _count(2, 0, 8)
    num_agents: int = _count(8, 1, 64)
    max_agents: int = _count(32, 1, 64)
    min_agents: int = _count(2, 0, 64)
    num_food: int = _count(20, 1, 256)
    food_seen: int = _count(SEEN_FOOD, 0, SEEN_FOOD)
    food_respawn_prob: float = _amount(0.1, 1.0)
    starting_energy: float = _amount(200.0, minimum=1.0)
    max_energy: float = _amount(200.0, minimum=1.0)
    energy_per_step: float = _amount(1.0)
    food_energy: float = _amount(100.0)
    reproduce_threshold: float = _amount(120.0)
    reproduce_cost: float = _amount(50.0)
    channels: int = _count(4, 2, 8)
    diffusion_rate: float = _amount(0.1, 1.0)
    decay_rate: float = _amount(0.05, 1.0)
    field_cap: float = _amount(1.0)
    trail_strength: float = _amount(1.0)
    territory_strength: float = _amount(0.01)
    compass_noise: float = _amount(0.1, 10.0)

    def __post_init__(self) -> None:
        cells = (2 * self.nest_radius + 1) ** 2
        if 2 * self.nest_radius + 3 > self.grid_size:
            raise ValueError("nest_radius leaves no room around the nest in grid_size")
        if not self.min_agents <= self.num_agents <= self.max_agents:
            raise ValueError("min_agents, num_agents and max_agents must not fall in this order")
        if self.num_agents > cells:
            raise ValueError(f"num_agents founders do not fit into a nest of {cells} cells")
        if self.reproduce_cost > self.reproduce_threshold:
            raise ValueError("reproduce_cost must not exceed reproduce_threshold, which pays it")

    @property
    def observation_size(self) -> int:
        """Numbers that one agent sees."""
        return 6 + 6 * self.channels + 3 * SEEN_FOOD


SETTINGS = tuple(each.name for each in fields(World))


class Map(NamedTuple):
    """Where things are in a world of some colonies.

    rows, columns: of the whole map. wraps: it has no edge (several colonies), else agents stop at
    it. nests: [colonies, 2], centres. nest_cells: [colonies, K, 2]. free_cells: [M, 2], all cells
    outside nests, where food lies. home_cells: [H, 2], those of them in the first home range.
    origins: [colonies, 2], the first cell of each home range. colony: [A] of each slot. near:
    bool[rows, columns], within a cell of a nest.
    """

    rows: int
    columns: int
    wraps: bool
    nests: Cells
    nest_cells: Cells
    free_cells: Cells
    home_cells: Cells
    origins: Cells
    colony: Cells
    near: NDArray[np.bool_]


@lru_cache(maxsize=64)
def map_of(world: World, colonies: int) -> Map:
    """The map for 1 to 4 colonies; home ranges are alike, with the nest in their middle."""
    down, across = LAYOUTS[colonies]
    size = world.grid_size
    rows, columns = down * size, across * size
    origins = np.array([(size * i, size * j) for i in range(down) for j in range(across)], np.int32)
    nests = origins + size // 2
    reach = np.arange(-world.nest_radius, world.nest_radius + 1, dtype=np.int32)
    square = np.stack(np.meshgrid(reach, reach, indexing="ij"), axis=-1).reshape(-1, 2)
    nest_cells = nests[:, None] + square
    is_free = np.ones((rows, columns), bool)
    is_free[nest_cells[..., 0], nest_cells[..., 1]] = False
    free_cells = np.argwhere(is_free).astype(np.int32)
    cells = np.moveaxis(np.indices((rows, columns)), 0, -1)
    away = np.abs(cells - nests[:, None, None]).max(axis=-1).min(axis=0)
    return Map(
        rows=rows,
        columns=columns,
        wraps=colonies > 1,
        nests=nests,
        nest_cells=nest_cells,
        free_cells=free_cells,
        home_cells=free_cells[(free_cells < size).all(axis=-1)],
        origins=origins,
        colony=np.repeat(np.arange(colonies, dtype=np.int32), world.max_agents),
        near=away <= world.nest_radius + 1,
    )

"""Hand-made positions for the tests of this folder."""

from typing import Any

import numpy as np

from evaluation.envs.foraging import rules
from evaluation.envs.foraging.rules import Chance, Outcome, State
from evaluation.envs.foraging.world import World

# Home ranges of 9 x 9 with nests of 3 x 3 around (4, 4), (4, 13), …; nobody is hungry or born.
BARE = World(
    grid_size=9,
    nest_radius=1,
    num_agents=1,
    max_agents=4,
    min_agents=0,
    num_food=3,
    energy_per_step=0.0,
    reproduce_threshold=1000.0,
)

# A small world in which much happens: births, deaths, founders, items in reach of several.
BUSY = World(
    grid_size=8,
    nest_radius=1,
    num_agents=4,
    max_agents=8,
    min_agents=3,
    num_food=12,
    starting_energy=20.0,
    max_energy=120.0,
    energy_per_step=3.0,
    reproduce_threshold=60.0,
)


def deserted(world: World, colonies: int) -> State:
    """Nobody lives, all food is taken, no field."""
    opening = rules.draw_opening(world, colonies, np.random.default_rng(0))
    state = rules.init(world, colonies, opening)
    size = len(state.alive)
    return state._replace(
        position=np.zeros((size, 2), np.int32),
        energy=np.zeros(size, np.float32),
        alive=np.zeros(size, bool),
        id=np.full(size, -1, np.int32),
        noise=np.zeros((size, 2), np.float32),
        taken=np.ones(len(state.food), bool),
        field=np.zeros_like(state.field),
        next_id=np.int32(100),
    )


def put(state: State, slot: int, cell: tuple[int, int], energy: float = 100, **more: Any) -> State:
    """With an agent in a slot; its id is its slot."""
    values = {"position": cell, "energy": energy, "alive": True, "id": slot, **more}
    changed = {name: getattr(state, name).copy() for name in values}
    for name, value in values.items():
        changed[name][slot] = value
    return state._replace(**changed)


def lay(state: State, *cells: tuple[int, int]) -> State:
    """With the first items in these cells."""
    food, taken = state.food.copy(), state.taken.copy()
    food[: len(cells)] = np.reshape(cells, (-1, 2))
    taken[: len(cells)] = False
    return state._replace(food=food, taken=taken)


def calm(world: World, colonies: int) -> Chance:
    """No item returns; newcomers get the first cell of their nest."""
    slots, items = colonies * world.max_agents, colonies * world.num_food
    return Chance(
        np.ones(items, np.float32),
        np.zeros(items, np.int32),
        np.zeros(slots, np.int32),
        np.zeros((slots, 2), np.float32),
    )


def play(
    state: State, *actions: int, world: World = BARE, colonies: int = 1, **chance: Any
) -> tuple[State, Outcome]:
    """One step; the slots that no action is given for stay."""
    given = np.zeros(len(state.alive), np.int32)
    given[: len(actions)] = actions
    chances = calm(world, colonies)._replace(**chance)
    return rules.step(world, colonies, state, given, chances)


def slots(flags: Any) -> list[int]:
    found: list[int] = np.flatnonzero(flags).tolist()
    return found

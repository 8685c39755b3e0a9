"""The rules of foraging as pure functions of arrays, in NumPy; chance is drawn outside.

A = colonies * world.max_agents slots (slot // max_agents is the colony), F = colonies *
world.num_food items, C channels, R x K cells. Distances are Chebyshev, the shortest way around
where the map wraps.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .world import (  # noqa: TID252 - see foraging.py
    ACTIONS,
    SEEN_FOOD,
    TERRITORY,
    TRAIL,
    Map,
    World,
    map_of,
)

Flags = NDArray[np.bool_]
Floats = NDArray[np.float32]
Ints = NDArray[np.int32]

MOVES = np.array(ACTIONS, np.int32)
AROUND = np.array([(-1, 0), (1, 0), (0, 1), (0, -1), (0, 0)], np.int32)  # N, S, E, W, own cell
REACH = 1  # of an agent that picks up
CARRIED_ENERGY = 0.95  # share of food_energy that the agent gets for a delivery
PICKUP_REWARD, DELIVERY_REWARD = 0.1, 0.9  # shares of food_energy
NOBODY = -1


class State(NamedTuple):
    """A world between two steps. A dead slot holds zeros, and -1 for id and parent.

    step: []. position: [A, 2]. energy: [A]. alive, carrying: [A]. id, parent: [A], parent -1 for
    founders. cooldown: [A], whether an agent that carries has just marked its cell and stays.
    sensed: [A, C], field that the agent felt when it last observed. noise: [A, 2], of its compass.
    food: [F, 2]. taken: [F]. field: [R, K, C]. next_id: [].
    """

    step: np.int32
    position: Ints
    energy: Floats
    alive: Flags
    id: Ints
    parent: Ints
    carrying: Flags
    cooldown: Flags
    sensed: Floats
    noise: Floats
    food: Ints
    taken: Flags
    field: Floats
    next_id: np.int32


class Chance(NamedTuple):
    """What is drawn for one step.

    respawn: [F], uniform in 0..1. place: [F], rows of Map.free_cells. cradle: [A], rows of the
    colony's Map.nest_cells. noise: [A, 2], standard normal.
    """

    respawn: Floats
    place: Ints
    cradle: Ints
    noise: Floats


class Opening(NamedTuple):
    """What is drawn for a first state, the same for every colony but for the noise.

    cells: [num_agents], distinct rows of Map.nest_cells. places: [num_food], rows of
    Map.home_cells. noise: [A, 2], standard normal.
    """

    cells: Ints
    places: Ints
    noise: Floats


class Outcome(NamedTuple):
    """What a step did to each slot: [A]. source: slot of a newborn's parent, else -1."""

    reward: Floats
    picked: Flags
    delivered: Flags
    died: Flags
    born: Flags
    source: Ints


def draw(world: World, colonies: int, generator: np.random.Generator) -> Chance:
    """The chances of one step."""
    area, food = map_of(world, colonies), colonies * world.num_food
    slots = colonies * world.max_agents
    return Chance(
        respawn=generator.random(food, np.float32),
        place=generator.integers(0, len(area.free_cells), food, np.int32),
        cradle=generator.integers(0, area.nest_cells.shape[1], slots, np.int32),
        noise=generator.standard_normal((slots, 2), np.float32),
    )


def draw_opening(world: World, colonies: int, generator: np.random.Generator) -> Opening:
    """The chances of a first state."""
    area = map_of(world, colonies)
    cells = generator.permutation(area.nest_cells.shape[1])[: world.num_agents]
    return Opening(
        cells=cells.astype(np.int32),
        places=generator.integers(0, len(area.home_cells), world.num_food, np.int32),
        noise=generator.standard_normal((colonies * world.max_agents, 2), np.float32),
    )


def init(world: World, colonies: int, opening: Opening) -> State:
    """Founders in their nests, food alike in every home range, territory around the nests."""
    area, slots = map_of(world, colonies), colonies * world.max_agents
    food = area.origins[:, None] + area.home_cells[opening.places]
    cradle = np.zeros((colonies, world.max_agents), np.int32)
    cradle[:, : world.num_agents] = opening.cells
    first = np.arange(slots) % world.max_agents < world.num_agents
    empty = State(
        step=np.int32(0),
        position=np.zeros((slots, 2), np.int32),
        energy=np.zeros(slots, np.float32),
        alive=np.zeros(slots, bool),
        id=np.full(slots, NOBODY, np.int32),
        parent=np.full(slots, NOBODY, np.int32),
        carrying=np.zeros(slots, bool),
        cooldown=np.zeros(slots, bool),
        sensed=np.zeros((slots, world.channels), np.float32),
        noise=opening.noise,
        food=food.reshape(-1, 2),
        taken=np.zeros(colonies * world.num_food, bool),
        field=_first_field(world, area),
        next_id=np.int32(0),
    )
    founders = np.flatnonzero(first)
    return _settle(area, empty, founders, world.starting_energy, NOBODY, cradle.reshape(-1))


def _first_field(world: World, area: Map) -> Floats:
    """Nothing but the territory of the nests: all that fits within a cell of them."""
    field = np.zeros((area.rows, area.columns, world.channels), np.float32)
    cells = np.moveaxis(np.indices(field.shape[:2]), 0, -1)
    distance = np.abs(cells - area.nests[:, None, None]).max(axis=-1)
    field[(distance <= world.nest_radius + 1).any(axis=0), TERRITORY] = world.field_cap
    return field


def step(
    world: World, colonies: int, state: State, actions: Ints, chance: Chance
) -> tuple[State, Outcome]:
    """The state after every agent's action, and what happened; an unknown action stays."""
    area = map_of(world, colonies)
    now = state._replace(position=move(area, state, actions))
    now, picked = _pick_up(world, area, now)
    now = _return_food(world, area, now, chance)
    now, delivered = _deliver(world, area, now)
    reward = world.food_energy * (PICKUP_REWARD * picked + DELIVERY_REWARD * delivered)
    now = _drain(world, now._replace(field=_spread(world, area, now)))
    now, died = _bury(now)
    now, born, source = _renew(world, area, now, chance)
    sensed = _field_at(state.field, state.position)
    sensed[born] = _field_at(now.field, now.position[born])
    sensed[~now.alive] = 0
    now = now._replace(step=state.step + np.int32(1), sensed=sensed, noise=chance.noise)
    return now, Outcome(reward.astype(np.float32), picked, delivered, died, born, source)


def observe(world: World, colonies: int, state: State) -> Floats:
    """[A, world.observation_size]: what every agent sees; zeros for dead slots."""
    area, slots = map_of(world, colonies), np.flatnonzero(state.alive)
    seen = np.zeros((len(state.alive), world.observation_size), np.float32)
    position = state.position[slots]
    nest = _shortest(area, position - area.nests[area.colony[slots]]).astype(np.float32)
    noise = state.noise[slots] * np.float32(world.compass_noise)
    distance = np.sqrt((nest * nest).sum(axis=1, keepdims=True))
    own = _field_at(state.field, position)
    around = _field_at(state.field, _onto(area, position[:, None] + AROUND))
    size = np.float32(world.grid_size)
    seen[slots] = np.concatenate(
        [
            np.clip((nest + world.grid_size // 2) / (size - 1) * 2 - 1, -1, 1),
            np.clip(state.energy[slots, None] / np.float32(world.max_energy), 0, 1),
            state.carrying[slots, None],
            np.clip((noise * distance - nest) / size, -1, 1),
            around.reshape(len(slots), len(AROUND) * world.channels),
            own - state.sensed[slots],
            _nearest_food(world, area, state, position),
        ],
        axis=1,
    )
    return seen


def _nearest_food(world: World, area: Map, state: State, position: Ints) -> Floats:
    """[agents, 3 * SEEN_FOOD]: the nearest items that are not taken."""
    food = state.food[~state.taken]
    count = min(world.food_seen, len(food))
    seen = np.zeros((len(position), SEEN_FOOD, 3), np.float32)
    if count and len(position):
        down, right = _distances(area, position, food)
        order = (down + right) * len(food) + np.arange(len(food))
        nearest = np.sort(np.partition(order, count - 1)[:, :count]) % len(food)
        offset = _shortest(area, food[nearest] - position[:, None])
        seen[:, :count, :2] = np.clip(offset / np.float32(world.grid_size), -1, 1)
        seen[:, :count, 2] = 1
    return seen.reshape(len(position), 3 * SEEN_FOOD)


def move(area: Map, state: State, actions: Ints) -> Ints:
    """[A, 2]: where the agents go; unknown actions, and agents that mark their cell, stay."""
    idle = ~state.alive | (state.carrying & state.cooldown)
    idle |= (actions < 0) | (actions >= len(MOVES))
    return _onto(area, state.position + MOVES[np.where(idle, 0, actions)])


def _pick_up(world: World, area: Map, state: State) -> tuple[State, Flags]:
    """Every item goes to the nearest free agent in reach; an agent takes the nearest of its own.

    Ties between agents go to the first colony of a round that turns by one at every step.
    """
    agents = np.flatnonzero(state.alive & ~state.carrying)
    items = np.flatnonzero(~state.taken)
    down, right = _distances(area, state.position[agents], state.food[items])
    distance = np.maximum(down, right)
    near, item = np.nonzero(distance <= REACH)
    distance, agent, item = distance[near, item], agents[near], items[item]
    colonies = len(area.nests)
    turn = (area.colony[agent] - state.step) % colonies
    order = np.lexsort((turn * world.max_agents + agent % world.max_agents, distance, item))
    order = order[_is_first(item[order])]
    order = order[np.lexsort((item[order], distance[order], agent[order]))]
    order = order[_is_first(agent[order])]
    picked, taken = np.zeros(len(state.alive), bool), state.taken.copy()
    picked[agent[order]] = True
    taken[item[order]] = True
    carrying = state.carrying | picked
    return state._replace(
        taken=taken,
        carrying=carrying,
        cooldown=carrying & (picked | ~state.cooldown),
        energy=np.where(picked, np.float32(world.max_energy), state.energy),
    ), picked


def _is_first(group: NDArray[np.int_]) -> Flags:
    """Whether each of some sorted numbers is the first of its kind."""
    first = np.ones(len(group), bool)
    first[1:] = group[1:] != group[:-1]
    return first


def _return_food(world: World, area: Map, state: State, chance: Chance) -> State:
    back = state.taken & (chance.respawn < np.float32(world.food_respawn_prob))
    food = np.where(back[:, None], area.free_cells[chance.place], state.food)
    return state._replace(food=food, taken=state.taken & ~back)


def _deliver(world: World, area: Map, state: State) -> tuple[State, Flags]:
    delivered = state.carrying & _in_nest(world, area, state)
    fed = state.energy + np.float32(CARRIED_ENERGY * world.food_energy)
    return state._replace(
        energy=np.where(delivered, np.minimum(fed, np.float32(world.max_energy)), state.energy),
        carrying=state.carrying & ~delivered,
        cooldown=state.cooldown & ~delivered,
    ), delivered


def _spread(world: World, area: Map, state: State) -> Floats:
    """The field after diffusion, decay and this step's marks; other channels stay empty."""
    rate, kept = np.float32(world.diffusion_rate), np.float32(1 - world.decay_rate)
    marks = (
        (TERRITORY, state.alive, world.territory_strength),
        (TRAIL, _writes(state), world.trail_strength),
    )
    field = np.zeros_like(state.field)
    for channel, agents, strength in marks:
        old = np.ascontiguousarray(state.field[..., channel])
        mean = _blur(area, _blur(area, old, 0), 1) * np.float32(1 / 16)
        marked = _count(area, state.position[agents]) * np.float32(strength)
        field[..., channel] = ((1 - rate) * old + rate * mean) * kept + marked
    return np.clip(field, 0, np.float32(world.field_cap), out=field)


def _blur(area: Map, field: Floats, axis: int) -> Floats:
    """Sums along an axis with weights 1, 2, 1."""
    size, cells = field.shape[axis], np.arange(field.shape[axis])
    back = (cells - 1) % size if area.wraps else np.maximum(cells - 1, 0)
    forth = (cells + 1) % size if area.wraps else np.minimum(cells + 1, size - 1)
    sums: Floats = field * 2 + field.take(back, axis) + field.take(forth, axis)
    return sums


def _count(area: Map, position: Ints) -> Floats:
    """[R, K]: how many of these positions are in each cell."""
    cells = position[:, 0] * area.columns + position[:, 1]
    counts = np.bincount(cells, minlength=area.rows * area.columns)
    return counts.reshape(area.rows, area.columns).astype(np.float32)


def _writes(state: State) -> Flags:
    return state.carrying & state.cooldown


def _drain(world: World, state: State) -> State:
    tired = state.alive & ~_writes(state)
    left = np.maximum(state.energy - np.float32(world.energy_per_step), 0)
    return state._replace(energy=np.where(tired, left, state.energy))


def _bury(state: State) -> tuple[State, Flags]:
    """Empties the slots of agents without energy."""
    died = state.alive & (state.energy <= 0)
    alive = state.alive & ~died
    return state._replace(
        position=np.where(alive[:, None], state.position, 0),
        energy=np.where(alive, state.energy, np.float32(0)),
        alive=alive,
        id=np.where(alive, state.id, NOBODY),
        parent=np.where(alive, state.parent, NOBODY),
        carrying=state.carrying & alive,
        cooldown=state.cooldown & alive,
    ), died


def _renew(world: World, area: Map, state: State, chance: Chance) -> tuple[State, Flags, Ints]:
    """Births, then founders where a colony is below its minimum; who came, and from which slot."""
    shape = len(area.nests), world.max_agents
    able = state.alive & (state.energy > world.reproduce_threshold)
    able &= _in_nest(world, area, state)
    free = ~state.alive
    room = np.minimum(able.reshape(shape).sum(axis=1), free.reshape(shape).sum(axis=1))
    parents, children = _first_of(able, room), _first_of(free, room)
    source = np.full(len(free), NOBODY, np.int32)
    source[children] = parents
    energy = state.energy.copy()
    energy[parents] -= np.float32(world.reproduce_cost)
    state, ids = state._replace(energy=energy), state.id[parents]
    state = _settle(area, state, children, world.reproduce_cost, ids, chance.cradle)
    lacking = world.min_agents - state.alive.reshape(shape).sum(axis=1)
    founders = _first_of(~state.alive, lacking)
    state = _settle(area, state, founders, world.starting_energy, NOBODY, chance.cradle)
    return state, free & state.alive, source


def _first_of(flags: Flags, counts: NDArray[np.int_]) -> NDArray[np.int_]:
    """The first so many slots of each colony that are flagged."""
    each = flags.reshape(len(counts), -1)
    return np.flatnonzero(each & (each.cumsum(axis=1) <= counts[:, None]))


def _settle(
    area: Map,
    state: State,
    slots: NDArray[np.int_],
    energy: float,
    parent: Ints | int,
    cradle: Ints,
) -> State:
    """Fills free slots with newcomers in the cells of their nests that `cradle` names."""
    if not len(slots):
        return state
    position, alive = state.position.copy(), state.alive.copy()
    position[slots] = area.nest_cells[area.colony[slots], cradle[slots]]
    alive[slots] = True
    energies, ids, parents = state.energy.copy(), state.id.copy(), state.parent.copy()
    energies[slots] = energy
    ids[slots] = state.next_id + np.arange(len(slots), dtype=np.int32)
    parents[slots] = parent
    return state._replace(
        position=position,
        alive=alive,
        energy=energies,
        id=ids,
        parent=parents,
        next_id=state.next_id + np.int32(len(slots)),
    )


def _in_nest(world: World, area: Map, state: State) -> Flags:
    """Whether each agent is in its own nest."""
    away = np.abs(_shortest(area, state.position - area.nests[area.colony]))
    inside: Flags = away.max(axis=1) <= world.nest_radius
    return inside


def _field_at(field: Floats, position: Ints) -> Floats:
    return field[position[..., 0], position[..., 1]]


def _onto(area: Map, position: Ints) -> Ints:
    """Positions beyond the edge, brought back: around, or to the edge."""
    size = np.array([area.rows, area.columns], np.int32)
    return position % size if area.wraps else np.clip(position, 0, size - 1)


def _shortest(area: Map, difference: Ints) -> Ints:
    """Differences between positions; the shortest ones around where the map wraps."""
    if not area.wraps:
        return difference
    size = np.array([area.rows, area.columns], np.int32)
    return (difference + size // 2) % size - size // 2


def _distances(area: Map, agents: Ints, food: Ints) -> tuple[Ints, Ints]:
    """[agents, food]: how many rows and how many columns lie between."""
    down = np.abs(agents[:, None, 0] - food[:, 0])
    right = np.abs(agents[:, None, 1] - food[:, 1])
    if area.wraps:
        down = np.minimum(down, area.rows - down)
        right = np.minimum(right, area.columns - right)
    return down, right

"""The rules of foraging as pure functions of arrays, in NumPy; chance is drawn outside.

A = colonies * world.max_agents slots (slot // max_agents is the colony), F = colonies *
world.num_food items, C channels, R x K cells. Distances are Chebyshev, the shortest way around
where the map wraps.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .geometry import (  # noqa: TID252 - see foraging.py
    Floats,
    Ground,
    Ints,
    blur,
    count,
    distances,
    ground_of,
    shortest,
    within,
)
from .world import (  # noqa: TID252
    ACTIONS,
    CARRIED_ENERGY,
    DELIVERY_REWARD,
    PICKUP_REWARD,
    SEEN_FOOD,
    TERRITORY,
    TRAIL,
    Map,
    World,
    map_of,
)

Flags = NDArray[np.bool_]

MOVES = np.array(ACTIONS, np.int32)
AROUND = np.array([(-1, 0), (1, 0), (0, 1), (0, -1), (0, 0)], np.int32)  # N, S, E, W, own cell
REACH = 1  # of an agent that picks up
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
    begun = _settle(area, empty, founders, world.starting_energy, NOBODY, cradle.reshape(-1))
    begun.sensed[founders] = _field_at(begun.field, begun.position[founders])
    return begun


def _first_field(world: World, area: Map) -> Floats:
    """Nothing but the territory of the nests: all that fits within a cell of them."""
    field = np.zeros((area.rows, area.columns, world.channels), np.float32)
    field[area.near, TERRITORY] = world.field_cap
    return field


def step(
    world: World, colonies: int, state: State, actions: Ints, chance: Chance
) -> tuple[State, Outcome]:
    """The state after every agent's action, and what happened; an unknown action stays."""
    ground = ground_of(world, colonies)
    now = state._replace(position=_move(ground, state, actions))
    now, picked = _pick_up(world, ground, now)
    now, at_home = _return_food(world, ground, now, chance), _in_nest(world, ground, now)
    now, delivered = _deliver(world, at_home, now)
    reward = world.food_energy * (PICKUP_REWARD * picked + DELIVERY_REWARD * delivered)
    now = _drain(world, now._replace(field=_spread(world, ground, now)))
    now, died = _bury(now)
    now, born, source = _renew(world, ground, now, at_home, chance)
    sensed = _field_at(state.field, state.position)
    sensed[born] = _field_at(now.field, now.position[born])
    sensed[~now.alive] = 0
    now = now._replace(step=state.step + np.int32(1), sensed=sensed, noise=chance.noise)
    return now, Outcome(reward.astype(np.float32), picked, delivered, died, born, source)


def moved(world: World, colonies: int, state: State, actions: Ints) -> Ints:
    """[A, 2]: where a step's actions lead, those who die in it included."""
    return _move(ground_of(world, colonies), state, actions)


def observe(world: World, colonies: int, state: State) -> Floats:
    """[A, world.observation_size]: what every agent sees; zeros for dead slots."""
    ground, slots = ground_of(world, colonies), np.flatnonzero(state.alive)
    seen = np.zeros((len(state.alive), world.observation_size), np.float32)
    position, size = state.position[slots], np.float32(world.grid_size)
    nest = shortest(ground, position - ground.home[slots]).astype(np.float32)
    distance = np.sqrt((nest * nest).sum(axis=1, keepdims=True))
    noise = state.noise[slots] * np.float32(world.compass_noise)
    around = _field_at(state.field, within(ground, position[:, None] + AROUND))
    seen[slots] = np.concatenate(
        [
            _cut((nest + world.grid_size // 2) / (size - 1) * 2 - 1),
            np.minimum(state.energy[slots, None] / np.float32(world.max_energy), 1),
            state.carrying[slots, None],
            _cut((noise * distance - nest) / size),
            around.reshape(len(slots), len(AROUND) * world.channels),
            _field_at(state.field, position) - state.sensed[slots],
            _nearest_food(world, ground, state, position),
        ],
        axis=1,
    )
    return seen


def _cut(numbers: NDArray[np.floating]) -> NDArray[np.floating]:
    """To -1 to 1, in a tenth of the time of np.clip."""
    cut: NDArray[np.floating] = np.minimum(np.maximum(numbers, -1), 1)
    return cut


def _nearest_food(world: World, ground: Ground, state: State, position: Ints) -> Floats:
    """[agents, 3 * SEEN_FOOD]: the nearest items that are not taken."""
    food = state.food[~state.taken]
    seen = np.zeros((len(position), SEEN_FOOD, 3), np.float32)
    if limit := min(world.food_seen, len(food)):
        down, right = distances(ground, position, food)
        order = (down + right) * len(food) + np.arange(len(food), dtype=np.int32)
        nearest = np.partition(order, limit - 1, axis=1)[:, :limit]
        nearest.sort(axis=1)
        offset = shortest(ground, food[nearest % len(food)] - position[:, None])
        seen[:, :limit, :2] = _cut(offset / np.float32(world.grid_size))
        seen[:, :limit, 2] = 1
    return seen.reshape(len(position), 3 * SEEN_FOOD)


def _move(ground: Ground, state: State, actions: Ints) -> Ints:
    free = state.alive & ~(state.carrying & state.cooldown)
    free &= (actions >= 0) & (actions < len(MOVES))
    return within(ground, state.position + MOVES[np.where(free, actions, 0)])


def _pick_up(world: World, ground: Ground, state: State) -> tuple[State, Flags]:
    """Every item goes to the nearest free agent in reach; an agent takes the nearest of its own.

    Ties between agents go to the first colony of a round that turns by one at every step.
    """
    agents = np.flatnonzero(state.alive & ~state.carrying)
    items = np.flatnonzero(~state.taken)
    down, right = distances(ground, state.position[agents], state.food[items])
    distance = np.maximum(down, right)
    near, item = np.nonzero(distance <= REACH)
    distance, agent, item = distance[near, item], agents[near], items[item]
    turn = (ground.map.colony[agent] - state.step) % len(ground.map.nests)
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


def _return_food(world: World, ground: Ground, state: State, chance: Chance) -> State:
    back = state.taken & (chance.respawn < np.float32(world.food_respawn_prob))
    food = np.where(back[:, None], ground.map.free_cells[chance.place], state.food)
    return state._replace(food=food, taken=state.taken & ~back)


def _deliver(world: World, at_home: Flags, state: State) -> tuple[State, Flags]:
    delivered = state.carrying & at_home
    fed = state.energy + np.float32(CARRIED_ENERGY * world.food_energy)
    return state._replace(
        energy=np.where(delivered, np.minimum(fed, np.float32(world.max_energy)), state.energy),
        carrying=state.carrying & ~delivered,
        cooldown=state.cooldown & ~delivered,
    ), delivered


def _spread(world: World, ground: Ground, state: State) -> Floats:
    """The field after diffusion, decay and this step's marks; other channels stay empty."""
    rate, kept = np.float32(world.diffusion_rate), np.float32(1 - world.decay_rate)
    marks = {
        TRAIL: count(ground, state.position[_writes(state)]) * world.trail_strength,
        TERRITORY: count(ground, state.position[state.alive]) * world.territory_strength,
    }
    channels = sorted(marks)
    old = state.field.transpose(2, 0, 1)[channels]
    spread = ((1 - rate) * old + rate * blur(ground, old)) * kept
    spread += np.stack([marks[channel] for channel in channels])
    field = np.zeros_like(state.field)
    field[..., channels] = np.minimum(spread, np.float32(world.field_cap)).transpose(1, 2, 0)
    return field


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


def _renew(
    world: World, ground: Ground, state: State, at_home: Flags, chance: Chance
) -> tuple[State, Flags, Ints]:
    """Births, then founders where a colony is below its minimum; who came, and from which slot."""
    area = ground.map
    shape = len(area.nests), world.max_agents
    able = state.alive & at_home & (state.energy > world.reproduce_threshold)
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


def _in_nest(world: World, ground: Ground, state: State) -> Flags:
    """Whether each agent is in its own nest."""
    away = np.abs(shortest(ground, state.position - ground.home))
    inside: Flags = away.max(axis=1) <= world.nest_radius
    return inside


def _field_at(field: Floats, position: Ints) -> Floats:
    return field[position[..., 0], position[..., 1]]

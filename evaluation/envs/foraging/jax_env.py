"""Foraging in JAX: pure functions of one world, for `jax.jit` and `jax.vmap`.

The same rules as `rules.py`, name by name. Shapes: n colonies, S slots of each, A = n * S slots,
F items, C channels, a map of R rows and K columns. `world` and `colonies` are static.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

# Relative, so that kaggle-environments can load this folder as one of its own.
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

WRITTEN = 2  # channels that agents mark
FAR = 1 << 24


class State(NamedTuple):
    """A world between two steps.

    step: int32. position: int32[A, 2]. energy: [A]. alive: bool[A]. id, parent: int32[A], -1 none.
    carrying, cooldown: bool[A]. sensed: [A, C], the field felt at the last observation. noise:
    [A, 2], of the compass in the next. food: int32[F, 2]. taken: bool[F]. field: [R, K, C].
    next_id: int32. A dead slot holds zeros.
    """

    step: Array
    position: Array
    energy: Array
    alive: Array
    id: Array
    parent: Array
    carrying: Array
    cooldown: Array
    sensed: Array
    noise: Array
    food: Array
    taken: Array
    field: Array
    next_id: Array


class Chance(NamedTuple):
    """What is drawn for a step. respawn: [F] in [0, 1). place: int32[F], rows of free_cells.

    cradle: int32[A], rows of nest_cells. noise: [A, 2], standard normal.
    """

    respawn: Array
    place: Array
    cradle: Array
    noise: Array


class Opening(NamedTuple):
    """What is drawn for a first state, alike for all colonies.

    cells: int32[num_agents], different rows of nest_cells. places: int32[num_food], rows of
    home_cells. noise: [A, 2].
    """

    cells: Array
    places: Array
    noise: Array


class Outcome(NamedTuple):
    """What a step did to each slot. reward: [A]; picked, delivered, died, born: bool[A].

    born: the slot holds a newcomer. source: int32[A], its parent's slot; -1 founder or not born.
    """

    reward: Array
    picked: Array
    delivered: Array
    died: Array
    born: Array
    source: Array


def draw(world: World, colonies: int, key: Array, shape: tuple[int, ...] = ()) -> Chance:
    """For so many steps, whose dimensions come first. Consumes the key.

    All of it from one call of the generator, as each takes long to compile.
    """
    where, slots = map_of(world, colonies), colonies * world.max_agents
    items = colonies * world.num_food
    bits = jax.random.bits(key, (*shape, 2 * items + 3 * slots))
    ends = np.cumsum([items, items, slots])
    respawn, place, cradle, noise = jnp.split(_shares(bits), ends, axis=-1)
    return Chance(
        respawn=respawn,
        place=_below(len(where.free_cells), place),
        cradle=_below(where.nest_cells.shape[1], cradle),
        noise=_normal(noise).reshape(*shape, slots, 2),
    )


def draw_opening(world: World, colonies: int, key: Array, shape: tuple[int, ...] = ()) -> Opening:
    """For so many first states, whose dimensions come first. Consumes the key."""
    where = map_of(world, colonies)
    cells, slots = where.nest_cells.shape[1], colonies * world.max_agents
    bits = jax.random.bits(key, (*shape, cells + world.num_food + 2 * slots))
    order, places, noise = jnp.split(_shares(bits), np.cumsum([cells, world.num_food]), axis=-1)
    return Opening(
        cells=jnp.argsort(order, axis=-1)[..., : world.num_agents].astype(jnp.int32),
        places=_below(len(where.home_cells), places),
        noise=_normal(noise).reshape(*shape, slots, 2),
    )


def _shares(bits: Array) -> Array:
    """Numbers in [0, 1) of 32 random bits each."""
    return (bits >> 8).astype(jnp.float32) * 2.0**-24


def _below(count: int, shares: Array) -> Array:
    """Whole numbers below so many, equally likely to within one in 2**24."""
    return jnp.floor(shares * count).astype(jnp.int32)


def _normal(shares: Array) -> Array:
    return 2**0.5 * jax.scipy.special.erfinv(jnp.maximum(2 * shares - 1, 2.0**-24 - 1))


def init(world: World, colonies: int, opening: Opening) -> State:
    """Every colony with its founders in its nest, items around it, no trail."""
    where, slots = map_of(world, colonies), world.max_agents
    founders = jnp.arange(slots) < world.num_agents
    alive = jnp.tile(founders, colonies)
    cells = jnp.zeros(slots, jnp.int32).at[: world.num_agents].set(opening.cells)
    position = jnp.asarray(where.nest_cells)[:, cells].reshape(-1, 2)
    number = np.cumsum(np.tile(np.arange(slots) < world.num_agents, colonies)) - 1
    food = jnp.asarray(where.home_cells)[opening.places] + jnp.asarray(where.origins)[:, None]
    shape = where.rows, where.columns, world.channels
    field = jnp.zeros(shape).at[..., TERRITORY].set(jnp.where(where.near, world.field_cap, 0.0))
    begun = State(
        step=jnp.int32(0),
        position=position,
        energy=jnp.full(alive.shape, jnp.float32(world.starting_energy)),
        alive=alive,
        id=jnp.asarray(number, jnp.int32),
        parent=jnp.full(alive.shape, -1, jnp.int32),
        carrying=jnp.zeros(alive.shape, bool),
        cooldown=jnp.zeros(alive.shape, bool),
        sensed=jnp.zeros((alive.size, world.channels)),
        noise=opening.noise,
        food=food.reshape(-1, 2).astype(jnp.int32),
        taken=jnp.zeros(colonies * world.num_food, bool),
        field=field,
        next_id=jnp.int32(colonies * world.num_agents),
    )
    return _tidy(begun._replace(sensed=field_at(begun)))


def step(
    world: World, colonies: int, state: State, actions: Array, chance: Chance
) -> tuple[State, Outcome]:
    """The world after everybody's action; the episode's end is the caller's business."""
    where = map_of(world, colonies)
    moved = state._replace(position=_moved(where, state, actions))
    takes, item_taken = _pick_up(world, colonies, where, moved)
    taken, food = _respawned(world, where, state, item_taken, chance)
    at_home = _at_home(world, where, moved.position)
    fed, delivered = _fed(world, moved, takes, at_home)
    writes = fed.carrying & fed.cooldown
    drained = jnp.maximum(fed.energy - world.energy_per_step, 0.0)
    energy = jnp.where(state.alive & ~writes, drained, fed.energy)
    alive = state.alive & (energy > 0)
    field = _next_field(world, where, fed, writes)
    left = fed._replace(energy=energy, alive=alive, food=food, taken=taken, field=field)
    ready = alive & at_home & (energy > world.reproduce_threshold)
    births = _births(world, colonies, alive, ready)
    settled = _settled(world, where, left, births, chance)
    newcomers = births.born | births.founds
    sensed = jnp.where(newcomers[:, None], field_at(settled), field_at(state))
    reward = world.food_energy * (PICKUP_REWARD * takes + DELIVERY_REWARD * delivered)
    died = state.alive & ~alive
    after = settled._replace(step=state.step + 1, sensed=sensed, noise=chance.noise)
    return _tidy(after), Outcome(reward, takes, delivered, died, newcomers, births.source)


def _fed(world: World, state: State, takes: Array, at_home: Array) -> tuple[State, Array]:
    """After a meal where an item was taken, and one at home; and who has delivered."""
    energy = jnp.where(takes, world.max_energy, state.energy)
    carrying = state.carrying | takes
    cooldown = carrying & ~(state.cooldown & ~takes)
    delivered = carrying & at_home & state.alive
    gained = jnp.minimum(energy + CARRIED_ENERGY * world.food_energy, world.max_energy)
    fed = state._replace(
        energy=jnp.where(delivered, gained, energy),
        carrying=carrying & ~delivered,
        cooldown=cooldown & ~delivered,
    )
    return fed, delivered


def _settled(world: World, where: Map, state: State, births: "_Births", chance: Chance) -> State:
    """With children and founders in their nests; parents have paid."""
    newcomers = births.born | births.founds
    cradles = jnp.asarray(where.nest_cells)[where.colony, chance.cradle]
    energy = state.energy - world.reproduce_cost * births.parents
    energy = jnp.where(births.born, world.reproduce_cost, energy)
    identity, parent, next_id = _named(state, births)
    return state._replace(
        position=jnp.where(newcomers[:, None], cradles, state.position),
        energy=jnp.where(births.founds, world.starting_energy, energy),
        alive=state.alive | newcomers,
        carrying=state.carrying & state.alive,
        cooldown=state.cooldown & state.alive,
        id=identity,
        parent=parent,
        next_id=next_id,
    )


def _tidy(state: State) -> State:
    """Dead slots hold nothing."""
    alive, some = state.alive, state.alive[:, None]
    return state._replace(
        position=jnp.where(some, state.position, 0),
        energy=jnp.where(alive, state.energy, 0.0),
        id=jnp.where(alive, state.id, -1),
        parent=jnp.where(alive, state.parent, -1),
        sensed=jnp.where(some, state.sensed, 0.0),
    )


def field_at(state: State) -> Array:
    """[A, C]: where each agent stands."""
    felt: Array = state.field[state.position[:, 0], state.position[:, 1]]
    return felt


def observe(world: World, colonies: int, state: State) -> Array:
    """[A, world.observation_size]: what each agent sees; zeros of dead slots."""
    where, size = map_of(world, colonies), world.grid_size
    nests = jnp.asarray(where.nests)[where.colony]
    away = _difference(where, state.position, nests).astype(jnp.float32)
    place = jnp.clip((away + size // 2) / (size - 1) * 2 - 1, -1, 1)
    energy = jnp.clip(state.energy / world.max_energy, 0, 1)[:, None]
    spread = world.compass_noise * jnp.sqrt(jnp.sum(away**2, axis=-1, keepdims=True)) / size
    compass = jnp.clip(state.noise * spread - away / size, -1, 1)
    around = state.field[_around(where, state.position)]
    felt = around.reshape(len(away), -1)
    change = around[:, -1] - state.sensed
    parts = [place, energy, state.carrying[:, None].astype(jnp.float32), compass, felt, change]
    seen = jnp.concatenate([*parts, _seen_food(world, where, state)], axis=-1)
    return jnp.where(state.alive[:, None], seen, 0.0)


def _difference(where: Map, there: Array, here: Array) -> Array:
    """[..., 2]: the way from `here` to `there`, the shortest around where the map wraps."""
    if not where.wraps:
        return there - here
    size = jnp.array([where.rows, where.columns])
    return (there - here + size // 2) % size - size // 2


def _within(where: Map, position: Array) -> Array:
    size = jnp.array([where.rows, where.columns])
    return position % size if where.wraps else jnp.clip(position, 0, size - 1)


def _moved(where: Map, state: State, actions: Array) -> Array:
    free = state.alive & ~(state.carrying & state.cooldown)
    known = (actions >= 0) & (actions < len(ACTIONS))
    deltas = jnp.array(ACTIONS, jnp.int32)[jnp.where(free & known, actions, 0)]
    return _within(where, state.position + deltas)


def _pick_up(world: World, colonies: int, where: Map, state: State) -> tuple[Array, Array]:
    """bool[A], who takes an item now, and bool[F], which items are taken."""
    slots, items = state.alive.size, state.taken.size
    gap = _difference(where, state.food[:, None], state.position[None])
    distance = jnp.max(jnp.abs(gap), axis=-1)  # [F, A]
    reached = (distance <= 1) & (state.alive & ~state.carrying) & ~state.taken[:, None]
    turn = (where.colony - state.step) % colonies
    rank = turn * world.max_agents + np.arange(slots) % world.max_agents
    order = jnp.where(reached, distance * slots + rank, FAR)
    offered = reached & (order == jnp.min(order, axis=1, keepdims=True))
    choice = jnp.where(offered, distance * items + np.arange(items)[:, None], FAR)
    takes = offered & (choice == jnp.min(choice, axis=0))
    return jnp.any(takes, axis=0), jnp.any(takes, axis=1)


def _respawned(
    world: World, where: Map, state: State, item_taken: Array, chance: Chance
) -> tuple[Array, Array]:
    taken = state.taken | item_taken
    returns = taken & (chance.respawn < world.food_respawn_prob)
    places = jnp.asarray(where.free_cells)[chance.place]
    return taken & ~returns, jnp.where(returns[:, None], places, state.food)


def _at_home(world: World, where: Map, position: Array) -> Array:
    nests = jnp.asarray(where.nests)[where.colony]
    away = jnp.abs(_difference(where, position, nests))
    return jnp.max(away, axis=-1) <= world.nest_radius


def _next_field(world: World, where: Map, state: State, writes: Array) -> Array:
    """Spread, faded, then marked by the living; channels that nobody marks stay zero."""
    field = state.field[..., :WRITTEN]
    mixed = (1 - world.diffusion_rate) * field + world.diffusion_rate * _blurred(where, field)
    faded = mixed * (1 - world.decay_rate)
    marks = {
        TRAIL: world.trail_strength * writes,
        TERRITORY: world.territory_strength * state.alive,
    }
    amounts = jnp.stack([marks[channel] for channel in range(WRITTEN)], axis=-1)
    marked = faded.at[state.position[:, 0], state.position[:, 1]].add(amounts)
    marked = jnp.clip(marked, 0, world.field_cap)
    return jnp.pad(marked, ((0, 0), (0, 0), (0, world.channels - WRITTEN)))


def _blurred(where: Map, field: Array) -> Array:
    """By the kernel [1 2 1; 2 4 2; 1 2 1] / 16, one axis after the other."""
    for axis in (0, 1):
        width = [(1, 1) if each == axis else (0, 0) for each in range(field.ndim)]
        padded = jnp.pad(field, width, mode="wrap" if where.wraps else "edge")
        part = partial(jax.lax.slice_in_dim, padded, axis=axis)
        length = field.shape[axis]
        field = (part(0, length) + 2 * part(1, length + 1) + part(2, length + 2)) / 4
    return field


class _Births(NamedTuple):
    """bool[A] each but source: who pays, who is a child, who a founder; a child's parent's slot."""

    parents: Array
    born: Array
    founds: Array
    source: Array


def _births(world: World, colonies: int, alive: Array, ready: Array) -> _Births:
    """The k-th parent of a colony gets the k-th free slot; then founders up to the minimum."""
    slots = world.max_agents
    alive, ready = alive.reshape(colonies, slots), ready.reshape(colonies, slots)
    free = ~alive
    free_rank, ready_rank = _rank(free), _rank(ready)
    count = jnp.minimum(jnp.sum(ready, axis=1), jnp.sum(free, axis=1))[:, None]
    parents, born = ready & (ready_rank < count), free & (free_rank < count)
    is_parent = parents[:, None] & born[..., None] & (free_rank[..., None] == ready_rank[:, None])
    numbers = np.arange(colonies * slots).reshape(colonies, 1, slots)
    source = jnp.sum(jnp.where(is_parent, numbers, 0), axis=-1)
    missing = world.min_agents - jnp.sum(alive | born, axis=1)[:, None]
    founds = free & ~born & (free_rank - count < missing)
    source = jnp.where(born, source, -1)
    flat = (each.reshape(-1) for each in (parents, born, founds, source.astype(jnp.int32)))
    return _Births(*flat)


def _rank(chosen: Array) -> Array:
    """How many before it are chosen, along the last axis."""
    before = np.tri(chosen.shape[-1], k=-1, dtype=bool)
    return jnp.sum(chosen[..., None, :] & before, axis=-1)


def _named(state: State, births: _Births) -> tuple[Array, Array, Array]:
    """Ids and parents of all slots, and the next id: children in slot order, then founders."""
    children = jnp.sum(births.born)
    child_id = state.next_id + _rank(births.born)
    founder_id = state.next_id + children + _rank(births.founds)
    identity = jnp.where(births.born, child_id, jnp.where(births.founds, founder_id, state.id))
    parent = jnp.where(births.born, state.id[births.source], state.parent)
    parent = jnp.where(births.founds, -1, parent)
    next_id = state.next_id + children + jnp.sum(births.founds)
    return identity.astype(jnp.int32), parent, next_id.astype(jnp.int32)


def _around(where: Map, position: Array) -> tuple[Array, Array]:
    """Rows and columns, [A, 5] each: north, south, east, west, own cell."""
    steps = np.array([(-1, 0), (1, 0), (0, 1), (0, -1), (0, 0)], np.int32)
    cells = _within(where, position[:, None] + steps)
    return cells[..., 0], cells[..., 1]


def _seen_food(world: World, where: Map, state: State) -> Array:
    """[A, 15]: of the nearest items left, nearest first: the way down and across, and 1."""
    items, size = state.food.shape[0], world.grid_size
    way = _difference(where, state.food[None], state.position[:, None])
    order = jnp.sum(jnp.abs(way), axis=-1) * items + np.arange(items)
    order = jnp.where(state.taken, FAR, order)
    seen = []
    for _ in range(min(world.food_seen, items)):
        nearest = jnp.min(order, axis=-1, keepdims=True)
        is_it = (order == nearest) & (nearest < FAR)
        there = jnp.sum(jnp.where(is_it[..., None], way, 0), axis=1)
        flag = (nearest < FAR).astype(jnp.float32)
        seen += [jnp.clip(there / size, -1, 1), flag]
        order = jnp.where(is_it, FAR, order)
    missing = 3 * SEEN_FOOD - 3 * (len(seen) // 2)
    return jnp.concatenate([*seen, jnp.zeros((len(way), missing))], axis=-1)

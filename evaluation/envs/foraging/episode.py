"""A world as an episode plays it: chance from the seed, actions by colony, what is recorded."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import rules  # noqa: TID252 - see foraging.py
from .world import ACTIONS, SETTINGS, World, map_of  # noqa: TID252

MOVES = frozenset(range(len(ACTIONS)))
WHOLE = frozenset({int})
DECIMALS = 4  # of the numbers that agents see
SEARCHING, CARRYING, MARKING = range(3)
NOWHERE = np.zeros((0, 2), np.int32)
Orders = Sequence[Any]  # a colony's action, whatever its agent answered


class Episode(NamedTuple):
    """A world between two steps.

    delivered: items by colony. deaths: [id, row, column] of each in the last step. drawn: the seed
    where nobody gave one.
    """

    world: World
    colonies: int
    seed: int
    state: rules.State
    delivered: tuple[int, ...]
    deaths: list[list[int]]
    drawn: int | None = None


def world_of(configuration: Mapping[str, Any]) -> World:
    """The settings that a configuration has; raises ValueError where they contradict each other."""
    given = {name: configuration[name] for name in SETTINGS if name in configuration}
    return World(**given | {"max_steps": max(1, configuration["episodeSteps"] - 1)})


def begin(world: World, colonies: int, seed: int) -> Episode:
    opening = rules.draw_opening(world, colonies, _generator(seed, 0))
    state = rules.init(world, colonies, opening)
    return Episode(world, colonies, seed, state, (0,) * colonies, [])


def advance(episode: Episode, orders: Orders) -> Episode:
    """The next step. orders: of every colony; one that cannot be carried out stands still."""
    world, colonies, seed, before, delivered, *_ = episode
    actions = _actions(episode, orders)
    chance = rules.draw(world, colonies, _generator(seed, int(before.step) + 1))
    state, outcome = rules.step(world, colonies, before, actions, chance)
    more = outcome.delivered.reshape(colonies, -1).sum(axis=1).tolist()
    dead = np.flatnonzero(outcome.died)
    cells = rules.moved(world, colonies, before, actions)[dead] if len(dead) else NOWHERE
    return episode._replace(
        state=state,
        delivered=tuple(old + new for old, new in zip(delivered, more, strict=True)),
        deaths=np.column_stack([before.id[dead], cells]).tolist(),
    )


def _generator(seed: int, step: int) -> np.random.Generator:
    key = np.array([seed % 2**64, step], np.uint64)
    return np.random.Generator(np.random.Philox(key=key))


def _actions(episode: Episode, orders: Orders) -> NDArray[np.int32]:
    state, size = episode.state, episode.world.max_agents
    actions = np.zeros(len(state.alive), np.int32)
    for colony, order in enumerate(orders):
        living = colony * size + np.flatnonzero(state.alive[colony * size : (colony + 1) * size])
        if can_follow(order, len(living)):
            actions[living] = order
    return actions


def can_follow(order: Any, living: int) -> bool:
    """Whether it is a list with a whole number 0 to 4 for each living member."""
    if not isinstance(order, list) or len(order) != living:
        return False
    return WHOLE.issuperset(map(type, order)) and MOVES.issuperset(order)


def living(episode: Episode) -> list[int]:
    """How many members each colony has."""
    counts: list[int] = episode.state.alive.reshape(episode.colonies, -1).sum(axis=1).tolist()
    return counts


def views(episode: Episode) -> list[dict[str, Any]]:
    """What each colony is told of its members: `members`, `ids`, `parents`."""
    state = episode.state
    slots = np.flatnonzero(state.alive)
    seen = rules.observe(episode.world, episode.colonies, state)[slots]
    parts = {
        "members": seen.astype(np.float64).round(DECIMALS).tolist(),
        "ids": state.id[slots].tolist(),
        "parents": state.parent[slots].tolist(),
    }
    ends = np.cumsum([0, *living(episode)]).tolist()
    return [
        {name: values[start:end] for name, values in parts.items()}
        for start, end in itertools.pairwise(ends)
    ]


def facts(episode: Episode) -> dict[str, Any]:
    """What is recorded of a step, all in whole numbers."""
    state = episode.state
    slots = np.flatnonzero(state.alive)
    busy = np.where(state.cooldown, MARKING, np.where(state.carrying, CARRYING, SEARCHING))
    agents = np.column_stack(
        [
            slots,
            state.id[slots],
            state.parent[slots],
            state.position[slots],
            np.ceil(state.energy[slots]).astype(np.int32),
            busy[slots],
        ]
    )
    columns = map_of(episode.world, episode.colonies).columns
    cells = state.food[:, 0] * columns + state.food[:, 1]
    food = np.where(state.taken, -1, cells)
    return {
        "seed": episode.seed,
        "agents": agents.tolist(),
        "food": food.tolist(),
        "deaths": episode.deaths,
    }

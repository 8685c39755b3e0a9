"""Built-in colonies; they draw from the global `random`."""

from collections.abc import Iterator
from random import choices
from typing import Any

from .world import ACTIONS, SEEN_FOOD, TRAIL  # noqa: TID252 - see foraging.py

STAY, UP, DOWN, LEFT, RIGHT = range(len(ACTIONS))
AROUND = (UP, DOWN, RIGHT, LEFT)  # in the order in which the field is seen
CARRYING, FIELD, FOOD = 3, 6, -3 * SEEN_FOOD  # where it begins in what a member sees
Cell = tuple[int, int]


def random_agent(observation: Any, configuration: Any) -> list[int]:
    """Any action, for every member."""
    return choices(range(len(ACTIONS)), k=len(observation["members"]))


def greedy_agent(observation: Any, configuration: Any) -> list[int]:
    """Every member goes to the nearest food that it sees, and home with it."""
    size, actions = configuration["grid_size"], []
    for seen in observation["members"]:
        if seen[CARRYING]:
            row, column = _place(seen, size)
            actions.append(_towards(-row, -column))
        elif seen[FOOD + 2]:
            actions.append(_towards(*seen[FOOD : FOOD + 2]))
        else:
            actions += choices(range(len(ACTIONS)))
    return actions


def pheromone_agent(observation: Any, configuration: Any) -> list[int]:
    """No two members go for one item; who is left without follows the trail away from the nest."""
    members, size, radius = (
        observation["members"],
        configuration["grid_size"],
        configuration["nest_radius"],
    )
    places = [_place(seen, size) for seen in members]
    targets = _targets(members, places, size)
    actions = []
    for number, (seen, place) in enumerate(zip(members, places, strict=True)):
        if seen[CARRYING]:
            row, column = place
            actions.append(_towards(-_beyond(row, radius), -_beyond(column, radius)))
        elif number in targets:
            actions.append(_towards(*targets[number]))
        else:
            trail = seen[FIELD + TRAIL : FOOD : configuration["channels"]]
            actions.append(_search(place, trail[: len(AROUND)], observation["ids"][number]))
    return actions


def _place(seen: list[float], size: int) -> Cell:
    """Where a member is, from the middle of its nest; beyond the home range, at its edge."""
    row, column = seen[:2]
    half, middle = (size - 1) / 2, size // 2
    return round((row + 1) * half) - middle, round((column + 1) * half) - middle


def _towards(down: float, right: float) -> int:
    """A step along the longer way."""
    if abs(down) >= abs(right):
        return DOWN if down > 0 else UP if down < 0 else STAY
    return RIGHT if right > 0 else LEFT


def _beyond(place: int, radius: int) -> int:
    return place - max(-radius, min(radius, place))


def _targets(members: list[list[float]], places: list[Cell], size: int) -> dict[int, Cell]:
    """By member, the way to an item that nobody else of the colony goes for: the nearest first."""
    ways = sorted(
        (max(abs(down), abs(right)), number, (down, right))
        for number, seen in enumerate(members)
        if not seen[CARRYING]
        for down, right in _food(seen, size)
    )
    targets: dict[int, Cell] = {}
    claimed: set[Cell] = set()
    for _, number, (down, right) in ways:
        item = places[number][0] + down, places[number][1] + right
        if number not in targets and item not in claimed:
            targets[number] = down, right
            claimed.add(item)
    return targets


def _food(seen: list[float], size: int) -> Iterator[Cell]:
    """The ways to the items that a member sees."""
    for down, right, is_there in zip(*[iter(seen[FOOD:])] * 3, strict=True):
        if is_there:
            yield round(down * size), round(right * size)


def _search(place: Cell, trail: list[float], name: int) -> int:
    """Up the trail, not towards the nest; without one, outwards, each by a way of its own."""
    outwards = [action for action in AROUND if _leads_away(place, action)]
    strongest = max(trail)
    best = AROUND[trail.index(strongest)]
    return best if strongest > 0 and best in outwards else outwards[name % len(outwards)]


def _leads_away(place: Cell, action: int) -> bool:
    return all(part * move >= 0 for part, move in zip(place, ACTIONS[action], strict=True))


agents = {"random": random_agent, "greedy": greedy_agent, "pheromone": pheromone_agent}

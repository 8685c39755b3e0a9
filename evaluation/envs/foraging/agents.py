"""Built-in colonies; they draw from the global `random`."""

from collections.abc import Iterator
from random import choices
from typing import Any, NamedTuple

from .world import ACTIONS, SEEN_FOOD, TRAIL  # noqa: TID252 - see foraging.py

STAY, UP, DOWN, LEFT, RIGHT = range(len(ACTIONS))
AROUND = (UP, DOWN, RIGHT, LEFT)  # in the order in which the field is seen
FIELD = 6  # where it begins in what a member sees
REACH = 1  # of an agent that picks up
Cell = tuple[int, int]


class Member(NamedTuple):
    """What a member sees, in cells. place: from the nest; beyond the home range, its edge.

    food: from the member, nearest first. trail: of the cells AROUND.
    """

    place: Cell
    carrying: bool
    food: list[Cell]
    trail: list[float]


def random_agent(observation: Any, configuration: Any) -> list[int]:
    """Any action, for every member."""
    return choices(range(len(ACTIONS)), k=len(observation["members"]))


def greedy_agent(observation: Any, configuration: Any) -> list[int]:
    """Every member goes to the nearest food that it sees, and home with it."""
    actions = []
    for seen in observation["members"]:
        member = _member(seen, configuration)
        if member.carrying:
            actions.append(_towards((-member.place[0], -member.place[1])))
        elif member.food:
            actions.append(_towards(member.food[0]))
        else:
            actions += choices(range(len(ACTIONS)))
    return actions


def pheromone_agent(observation: Any, configuration: Any) -> list[int]:
    """No two members go for one item; who is left without follows the trail away from the nest."""
    members = [_member(seen, configuration) for seen in observation["members"]]
    targets = _targets(members)
    return [
        _homewards(member, configuration["nest_radius"])
        if member.carrying
        else _towards(targets[number])
        if number in targets
        else _search(member, name)
        for number, (member, name) in enumerate(zip(members, observation["ids"], strict=True))
    ]


def _member(seen: list[float], configuration: Any) -> Member:
    size, channels = configuration["grid_size"], configuration["channels"]
    trail = [seen[FIELD + side * channels + TRAIL] for side in range(len(AROUND))]
    row, column = (round((part + 1) / 2 * (size - 1)) - size // 2 for part in seen[:2])
    return Member((row, column), seen[3] > 0, list(_food(seen, size)), trail)


def _food(seen: list[float], size: int) -> Iterator[Cell]:
    for start in range(len(seen) - 3 * SEEN_FOOD, len(seen), 3):
        down, right, is_there = seen[start : start + 3]
        if is_there:
            yield round(down * size), round(right * size)


def _towards(offset: Cell) -> int:
    """A step along the longer way."""
    down, right = offset
    if abs(down) >= abs(right):
        return DOWN if down > 0 else UP if down < 0 else STAY
    return RIGHT if right > 0 else LEFT


def _homewards(member: Member, radius: int) -> int:
    """To the edge of the nest, which is enough."""
    row, column = member.place
    return _towards((-_beyond(row, radius), -_beyond(column, radius)))


def _beyond(place: int, radius: int) -> int:
    return place - max(-radius, min(radius, place))


def _targets(members: list[Member]) -> dict[int, Cell]:
    """By member, the way to an item that nobody else of the colony goes for: the nearest first."""
    ways = [
        (max(abs(down), abs(right)), number, (down, right))
        for number, member in enumerate(members)
        if not member.carrying
        for down, right in member.food
    ]
    targets: dict[int, Cell] = {}
    claimed: set[Cell] = set()
    for _, number, (down, right) in sorted(ways):
        row, column = members[number].place
        item = row + down, column + right
        if number not in targets and item not in claimed:
            targets[number] = down, right
            claimed.add(item)
    return targets


def _search(member: Member, name: int) -> int:
    """Up the trail, not towards the nest; without one, outwards, each by a way of its own."""
    strongest = max(member.trail)
    outwards = [action for action in AROUND if _leads_away(member.place, action)]
    if strongest > 0:
        best = AROUND[member.trail.index(strongest)]
        if best in outwards:
            return best
    return outwards[name % len(outwards)]


def _leads_away(place: Cell, action: int) -> bool:
    return all(part * move >= 0 for part, move in zip(place, ACTIONS[action], strict=True))


agents = {"random": random_agent, "greedy": greedy_agent, "pheromone": pheromone_agent}

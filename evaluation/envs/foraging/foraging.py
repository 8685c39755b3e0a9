"""Foraging for the engine: specification, interpreter, renderers, built-in agents, summary."""

import itertools
import json
from pkgutil import get_data
from random import randrange
from typing import Any

# Relative, so that kaggle-environments can load this folder as one of its own.
from . import episode  # noqa: TID252
from .agents import agents  # noqa: TID252
from .episode import Episode  # noqa: TID252
from .world import map_of  # noqa: TID252

__all__ = [
    "action_schema",
    "agents",
    "html_renderer",
    "interpreter",
    "perceive",
    "renderer",
    "specification",
    "summary",
]

FREE, NEST, FOOD = ".:*"
LETTERS = ("a", "b", "c", "d")  # agents of each colony on the map, in capitals with food


def _read(name: str) -> str:
    """A file of this folder, which may lie in a zip archive."""
    return (get_data(str(__package__), name) or b"").decode()


specification = json.loads(_read("foraging.json"))


def interpreter(state: list[Any], env: Any) -> list[Any]:
    """One step of all colonies. A fault is its seat's alone: its colony stands still."""
    if env.done:
        env.foraging = _begin(env, len(state))
    else:
        now = _reached(env)
        for seat, living in zip(state, episode.living(now), strict=True):
            if seat["status"] == "ACTIVE" and not episode.can_follow(seat["action"], living):
                seat["status"] = _complaint(living)
        orders = [_order(seat["status"], seat["action"]) for seat in state]
        env.foraging = episode.advance(now, orders)
    state[0]["observation"]["world"] = episode.facts(env.foraging)
    for seat, delivered in zip(state, env.foraging.delivered, strict=True):
        seat["reward"] = seat["observation"]["delivered"] = delivered
    return _show(state, env.foraging)


def perceive(state: list[Any], env: Any) -> list[Any]:
    """Fills in what the record of an episode leaves out of the observations."""
    return _show(state, _reached(env))


def _show(state: list[Any], now: Episode) -> list[Any]:
    for seat, view in zip(state, episode.views(now), strict=True):
        seat["observation"].update(view)
    return state


def _begin(env: Any, colonies: int) -> Episode:
    """With the seed that is given; else with a new one each time, which `info` tells replays."""
    last, seed = getattr(env, "foraging", None), env.info.get("seed")
    drawn = not isinstance(seed, int) or (last is not None and last.drawn == seed)
    if drawn:
        env.info["seed"] = seed = randrange(2**31)
    world = episode.world_of(env.configuration)
    return episode.begin(world, colonies, seed)._replace(drawn=seed if drawn else None)


def _reached(env: Any) -> Episode:
    """The world at the last of the environment's steps; played again where it was not kept."""
    now, steps = getattr(env, "foraging", None), env.steps
    if now is None or now.state.step != len(steps) - 1:
        now = env.foraging = _played_again(env)
    return now


def _played_again(env: Any) -> Episode:
    steps, world = env.steps, episode.world_of(env.configuration)
    seed = steps[0][0]["observation"]["world"].get("seed", env.info.get("seed"))
    now = episode.begin(world, len(steps[0]), seed)
    for before, after in itertools.pairwise(steps):
        seats = zip(before, after, strict=True)
        now = episode.advance(now, [_order(old["status"], new["action"]) for old, new in seats])
    return now


def _order(status: str, action: Any) -> Any:
    """A seat's action; nothing where it has failed."""
    return action if status == "ACTIVE" else None


def _complaint(living: int) -> str:
    return f"The action must be a list of {living} whole numbers 0 to 4, one per member."


def action_schema(configuration: Any) -> dict[str, Any]:
    """The specification's, narrowed to the members that a colony can have."""
    return {**specification["action"], "maxItems": configuration["max_agents"]}


def renderer(state: list[Any], env: Any) -> str:
    """The map as text, and a line of counts."""
    facts, world = state[0]["observation"]["world"], episode.world_of(env.configuration)
    area = map_of(world, len(state))
    cells = [[FREE] * area.columns for _ in range(area.rows)]
    for row, column in area.nest_cells.reshape(-1, 2).tolist():
        cells[row][column] = NEST
    for place in facts.get("food", []):
        if place >= 0:
            cells[place // area.columns][place % area.columns] = FOOD
    counts = [0] * len(state)
    for slot, _, _, row, column, _, busy in facts.get("agents", []):
        colony = slot // world.max_agents
        counts[colony] += 1
        cells[row][column] = LETTERS[colony].upper() if busy else LETTERS[colony]
    told = "; ".join(
        f"{letter} delivered {seat['observation']['delivered']}, {count} alive"
        for letter, seat, count in zip(LETTERS, state, counts, strict=False)
    )
    return "".join(f"{''.join(row)}\n" for row in cells) + f"{told}\n"


def html_renderer() -> str:
    """The module that draws one step in the browser."""
    return _read("foraging.js")


def summary(steps: list[Any], configuration: dict[str, Any]) -> dict[str, Any]:
    """Who delivered most. winner: a seat from 0; the text counts seats from 1.

    decisive_step: the first after which no other colony came level with the winner's.
    """
    counts = [[seat["observation"]["delivered"] for seat in step] for step in steps]
    *others, last = counts[-1]
    ended: dict[str, Any] = {"winner": None, "decisive_step": None}
    if not others:
        return {"cause": f"The colony delivered {last} items of food", **ended}
    told = f"{', '.join(map(str, others))} and {last} items of food"
    most = max(counts[-1])
    if counts[-1].count(most) > 1:
        return {"cause": f"No seat delivered most: {told}", **ended}
    winner = counts[-1].index(most)
    return {
        "cause": f"Seat {winner + 1} delivered most: {told}",
        "winner": winner,
        "decisive_step": _last_caught(counts, winner) + 1,
    }


def _last_caught(counts: list[list[int]], winner: int) -> int:
    """The last step at which another colony was level with the winner's or ahead."""
    return max(
        step
        for step, (own, *others) in enumerate([each[winner:] + each[:winner] for each in counts])
        if own <= max(others)
    )

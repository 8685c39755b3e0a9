"""Identity for the engine: specification, interpreter, renderers, built-in agents, summary."""

import json
from pkgutil import get_data
from random import gauss
from typing import Any

# Relative, so that kaggle-environments can load this folder as one of its own.
from .agents import agents  # noqa: TID252

__all__ = [
    "action_schema",
    "agents",
    "html_renderer",
    "interpreter",
    "renderer",
    "specification",
    "summary",
]


def _read(name: str) -> str:
    """A file of this folder, which may lie in a zip archive."""
    return (get_data(str(__package__), name) or b"").decode()


specification = json.loads(_read("identity.json"))


def interpreter(state: list[Any], env: Any) -> list[Any]:
    """Adds each seat's action to its reward. A seat that has failed is out; the others go on."""
    if env.done:
        return state
    configuration = env.configuration
    for seat in state:
        if seat["reward"] is not None:
            _add(seat, configuration)
    return state


def _add(seat: Any, configuration: Any) -> None:
    value = seat["action"] if isinstance(seat["action"], int | float) else 0
    if configuration["min"] <= value <= configuration["max"]:
        seat["reward"] += value + gauss(0, 1) * configuration["noise"] // 1
    else:
        seat["status"] = f"{value} is not an action: they lie within min and max."


def renderer(state: list[Any]) -> str:
    """What each seat played and has, as JSON."""
    return json.dumps([{key: seat[key] for key in ("action", "reward")} for seat in state])


def action_schema(configuration: Any) -> dict[str, Any]:
    """The specification's, narrowed to the numbers that are allowed."""
    return {"type": "number", "minimum": configuration["min"], "maximum": configuration["max"]}


def html_renderer() -> str:
    """The module that draws one step in the browser."""
    return _read("identity.js")


def summary(steps: list[Any], configuration: dict[str, Any]) -> dict[str, Any]:
    """Why the game ended. winner: a seat from 0; the text counts seats from 1."""
    rewards = [seat["reward"] for seat in steps[-1]]
    best, count = max(rewards), len(steps) - 1
    if len(rewards) > 1 and rewards.count(best) == 1:
        winner = rewards.index(best)
        cause = f"The greatest sum, {best:g}, for seat {winner + 1}"
        return {"cause": cause, "winner": winner, "decisive_step": None}
    cause = f"A sum of {best:g} after {count} actions" + (": a draw" if len(rewards) > 1 else "")
    return {"cause": cause, "winner": None, "decisive_step": None}

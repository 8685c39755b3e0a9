"""Rock, paper, scissors for the engine: specification, interpreter, renderers, agents, summary."""

import json
from pkgutil import get_data
from typing import Any

# Relative, so that kaggle-environments can load this folder as one of its own.
from .agents import agents  # noqa: TID252
from .rules import SCORES, SIGNS, is_sign  # noqa: TID252

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


specification = json.loads(_read("rps.json"))


def interpreter(state: list[Any], env: Any) -> list[Any]:
    """One round. A fault of either seat ends the game, and the other seat wins it."""
    if env.done:
        return state
    first, second = state
    configuration = env.configuration
    left, right, signs = first["action"], second["action"], configuration["signs"]
    if not (is_sign(left, signs) and is_sign(right, signs)):
        return _forfeit(state, signs)
    score = SCORES[left][right]
    _score(first, score, right)
    _score(second, -score, left)
    if configuration["episodeSteps"] - first["observation"]["step"] <= 2:
        first["status"] = second["status"] = "DONE"
        if abs(first["reward"]) < configuration["tieRewardThreshold"]:
            first["reward"] = second["reward"] = 0
    return state


def _score(seat: Any, score: float, opposing: int) -> None:
    seat["reward"] += score
    observation = seat["observation"]
    observation["lastOpponentAction"] = opposing
    observation["reward"] = int(seat["reward"])


def _forfeit(state: list[Any], signs: int) -> list[Any]:
    """Every fault is INVALID here, as in kaggle-environments."""
    for seat in state:
        if is_sign(seat["action"], signs):
            seat["status"], seat["reward"] = "DONE", 1
        else:
            seat["status"], seat["reward"] = "INVALID", 0
    return state


def renderer(state: list[Any], env: Any) -> str:
    """The rounds as text, and the score."""
    rounds = [_round(number, env.steps[number]) for number in range(1, len(env.steps))]
    opening = "Game ended on round {}, final score" if env.done else "After round {}, score"
    first, second = (seat["reward"] for seat in state)
    return f"{''.join(rounds)}{opening.format(len(rounds))}: {first} to {second}\n"


def _round(number: int, seats: list[Any]) -> str:
    names = [_sign_name(seat["action"]) for seat in seats]
    first, second = (seat["reward"] for seat in seats)
    return f"Round {number}: {' vs '.join(names)}, Score: {first} to {second}\n"


def _sign_name(action: Any) -> str:
    return SIGNS[action] if is_sign(action, len(SIGNS)) else "no sign"


def action_schema(configuration: Any) -> dict[str, Any]:
    """The specification's, narrowed to the signs that are played."""
    return {**specification["action"], "maximum": configuration["signs"] - 1}


def html_renderer() -> str:
    """The module that draws one step in the browser."""
    return _read("rps.js")


def summary(steps: list[Any], configuration: dict[str, Any]) -> dict[str, Any]:
    """Why the game ended. winner: a seat from 0; the text counts seats from 1."""
    rewards = [seat["reward"] for seat in steps[-1]]
    needed = configuration["tieRewardThreshold"]
    if rewards[0] == rewards[1]:
        cause = f"Neither seat won {needed} rounds more than the other: a tie"
        return {"cause": cause, "winner": None, "decisive_step": None}
    winner = rewards.index(max(rewards))
    leads = [seats[winner]["observation"]["reward"] for seats in steps]
    return {
        "cause": f"Seat {winner + 1} won {leads[-1]} rounds more than seat {2 - winner}",
        "winner": winner,
        "decisive_step": _out_of_reach(leads, needed),
    }


def _out_of_reach(leads: list[int], needed: int) -> int:
    """The first step after which the rounds left could no longer make it a tie."""
    last = len(leads) - 1
    return next(step for step, lead in enumerate(leads) if lead - (last - step) >= needed)

"""Built-in opponents, as in kaggle-environments, and `random`; they draw from the global `random`.

What two of them remember is kept once for the whole process, so that two of a kind in one game
read each other's notes: that too is as in kaggle-environments.
"""

from random import randrange
from typing import Any

from .rules import SCORES  # noqa: TID252 - see rps.py

_last_counter_action: int | None = None
_counts: dict[int, int] = {}


def rock(observation: Any, configuration: Any) -> int:
    return 0


def paper(observation: Any, configuration: Any) -> int:
    return 1


def scissors(observation: Any, configuration: Any) -> int:
    return 2


def copy_opponent(observation: Any, configuration: Any) -> int:
    """The opponent's last sign."""
    if observation["step"] == 0:
        return randrange(configuration["signs"])
    last: int = observation["lastOpponentAction"]
    return last


def reactionary(observation: Any, configuration: Any) -> int:
    """What beats the opponent's last sign."""
    signs: int = configuration["signs"]
    if observation["step"] == 0:
        return randrange(signs)
    last: int = observation["lastOpponentAction"]
    return (last + 1) % signs


def counter_reactionary(observation: Any, configuration: Any) -> int:
    """After a round won, what beats an opponent that reacts to it; else as `reactionary`."""
    global _last_counter_action
    last = _last_counter_action
    signs: int = configuration["signs"]
    if observation["step"] == 0 or last is None:
        action = randrange(signs)
    elif SCORES[last][observation["lastOpponentAction"]] > 0:
        action = (last + 2) % signs
    else:
        action = (observation["lastOpponentAction"] + 1) % signs
    _last_counter_action = action
    return action


def statistical(observation: Any, configuration: Any) -> int | None:
    """What beats the opponent's most frequent sign; no sign, hence rock, in the first round."""
    if observation["step"] == 0:
        _counts.clear()
        return None
    action = observation["lastOpponentAction"]
    _counts[action] = _counts.get(action, 0) + 1
    signs: int = configuration["signs"]
    return (max(_counts, key=_counts.__getitem__) + 1) % signs


def random_agent(observation: Any, configuration: Any) -> int:
    """Any sign."""
    return randrange(configuration["signs"])


agents = {
    "rock": rock,
    "paper": paper,
    "scissors": scissors,
    "copy_opponent": copy_opponent,
    "reactionary": reactionary,
    "counter_reactionary": counter_reactionary,
    "statistical": statistical,
    "random": random_agent,
}

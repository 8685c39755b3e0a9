"""Built-in agents, as in kaggle-environments; they draw from the global `random`."""

from random import randrange
from time import sleep
from typing import Any


def random_agent(observation: Any, configuration: Any) -> int:
    """Any whole number from the least action up to, but not at, the greatest."""
    return randrange(configuration["min"], configuration["max"])


def max_agent(observation: Any, configuration: Any) -> int:
    greatest: int = configuration["max"]
    return greatest


def min_agent(observation: Any, configuration: Any) -> int:
    least: int = configuration["min"]
    return least


def avg_agent(observation: Any, configuration: Any) -> int:
    """The middle between the least and the greatest action."""
    total: int = configuration["min"] + configuration["max"]
    return total // 2


def timeout_agent(observation: Any, configuration: Any) -> int:
    """Sleeps half of its bank away at every move, which ends in a TIMEOUT or with the game."""
    sleep(configuration["actTimeout"] + observation["remainingOverageTime"] / 2)
    return random_agent(observation, configuration)


agents = {
    "random": random_agent,
    "max": max_agent,
    "min": min_agent,
    "avg": avg_agent,
    "timeout": timeout_agent,
}

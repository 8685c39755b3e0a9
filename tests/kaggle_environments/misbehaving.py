"""Agents that play well for two moves and then do something wrong."""

from collections.abc import Callable
from typing import Any

GOOD_MOVES = 2


def raises() -> Any:
    raise ValueError("no")


ANSWERS: dict[str, Callable[[], Any]] = {
    "raises": raises,
    "returns_an_exception": lambda: ValueError("no"),
    "none": lambda: None,
    "text": lambda: "nonsense",
    "list": lambda: [1, 2, 3],
    "dict": lambda: {"a": 1},
    "negative": lambda: -7,
    "float": lambda: 2.5,
    "large": lambda: 10**6,
    "boolean": lambda: True,
}


def wrong(kind: str, good: Callable[..., Any]) -> Callable[..., Any]:
    """Plays as `good`, then answers as `kind`."""
    moves = 0

    def agent(observation: Any, configuration: Any) -> Any:
        nonlocal moves
        moves += 1
        if moves > GOOD_MOVES:
            return ANSWERS[kind]()
        return ask(good, observation, configuration)

    return agent


def meddling(good: Callable[..., Any]) -> Callable[..., Any]:
    """Plays as `good`, then empties what it was given."""

    def agent(observation: Any, configuration: Any) -> Any:
        action = ask(good, observation, configuration)
        for value in observation.values():
            if isinstance(value, list | dict):
                value.clear()
        observation.clear()
        configuration.clear()
        return action

    return agent


def talking(good: Callable[..., Any]) -> Callable[..., Any]:
    """Plays as `good` and prints more than a log may hold."""

    def agent(observation: Any, configuration: Any) -> Any:
        print("word " * 5_000)
        return ask(good, observation, configuration)

    return agent


def ask(agent: Callable[..., Any], *arguments: Any) -> Any:
    return agent(*arguments[: agent.__code__.co_argcount])

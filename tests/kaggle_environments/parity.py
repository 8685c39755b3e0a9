"""Plays the same in both engines, and says where the two differ."""

import random
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

import evaluation

kaggle = pytest.importorskip(
    "kaggle_environments",
    reason="pip install --no-deps -r requirements-kaggle-environments.txt has not been run",
)

import numpy as np  # noqa: E402 - kaggle-environments needs it, this project's engine does not

ENGINES = {"ours": evaluation.make, "theirs": kaggle.make}
COMPARED = ("steps", "rewards", "statuses", "configuration", "name", "version")
CLOCKS = {"remainingOverageTime", "timeTaken", "created_at"}

Make = Callable[..., Any]
Play = Callable[[Make], Any]


def both(play: Play, seed: int = 5) -> tuple[Any, Any]:
    """What `play` returns for each engine's `make`, from the same seeds."""
    return tuple(_seeded(play, make, seed) for make in ENGINES.values())  # type: ignore[return-value]


def _seeded(play: Play, make: Make, seed: int) -> Any:
    random.seed(seed)
    np.random.seed(seed)
    return play(make)


def same(play: Play, seed: int = 5) -> Any:
    """Asserts that both engines give the same, clocks apart; returns ours."""
    ours, theirs = both(play, seed)
    assert difference(plain(ours), plain(theirs)) is None
    return ours


def episode(
    game: Any, agents: Callable[[], list[Any]], configuration: dict[str, Any] | None = None
) -> Play:
    """Plays one episode and returns what is compared of it. agents: made anew for each engine."""

    def play(make: Make) -> dict[str, Any]:
        env = make(deepcopy(game) if isinstance(game, dict) else game, dict(configuration or {}))
        env.run(agents())
        return record(env)

    return play


def record(env: Any) -> dict[str, Any]:
    json = env.toJSON()
    return {key: json[key] for key in COMPARED}


def plain(value: Any) -> Any:
    """Dicts and lists without clocks."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items() if key not in CLOCKS}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def difference(ours: Any, theirs: Any, path: str = "") -> str | None:
    """Where two plain values differ first; 1 and 1.0 are the same, 1 and True are not."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        if ours.keys() != theirs.keys():
            return f"{path}: keys {sorted(ours.keys() ^ theirs.keys())}"
        pairs = [(f"{path}.{key}", ours[key], theirs[key]) for key in ours]
    elif isinstance(ours, list) and isinstance(theirs, list):
        if len(ours) != len(theirs):
            return f"{path}: {len(ours)} items, {len(theirs)} there"
        pairs = [(f"{path}[{n}]", *pair) for n, pair in enumerate(zip(ours, theirs, strict=True))]
    elif ours == theirs and isinstance(ours, bool) == isinstance(theirs, bool):
        return None
    else:
        return f"{path}: {ours!r:.80} {theirs!r:.80}"
    return next((found for pair in pairs if (found := difference(*pair[1:], pair[0]))), None)

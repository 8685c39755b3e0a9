"""Seeded episodes that kaggle-environments recorded: ours are the same, move for move."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from evaluation import make

GAMES = ("identity", "rps", "tictactoe")
RECORDED = {
    game: json.loads((Path(__file__).parent / "golden" / f"{game}.json").read_text())
    for game in GAMES
}
EPISODES = [
    pytest.param(game, episode, id=f"{game}-{episode['seed']}")
    for game, recorded in RECORDED.items()
    for episode in recorded["episodes"]
]


def exactly(value: Any) -> str:
    """Text that tells 1 from 1.0."""
    return json.dumps(value, sort_keys=True)


def undescribed(schema: Any) -> Any:
    if not isinstance(schema, dict):
        return schema
    words = {"description"} if isinstance(schema.get("description"), str) else set()
    return {key: undescribed(field) for key, field in schema.items() if key not in words}


@pytest.mark.parametrize(("game", "recorded"), EPISODES)
def test_a_seeded_episode_is_the_recorded_one(game: str, recorded: dict[str, Any]) -> None:
    random.seed(recorded["seed"])
    env = make(game, recorded["given"])
    env.run(recorded["agents"])
    played = env.toJSON()
    assert exactly(played["steps"]) == exactly(recorded["steps"])
    for part in ("configuration", "rewards", "statuses"):
        assert exactly(played[part]) == exactly(recorded[part])
    assert random.random() == recorded["next_random"]


@pytest.mark.parametrize("game", GAMES)
@pytest.mark.parametrize("part", ["agents", "configuration", "observation", "action"])
def test_the_specification_is_the_recorded_one(game: str, part: str) -> None:
    ours, theirs = make(game).toJSON(), RECORDED[game]
    assert ours["version"] == theirs["version"]
    assert undescribed(ours["specification"][part]) == theirs["specification"][part]

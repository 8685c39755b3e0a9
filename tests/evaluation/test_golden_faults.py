"""Agents that misbehave, as kaggle-environments recorded it: each seat gets the same here."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from evaluation import make

CLOCK = "remainingOverageTime"
RECORDED = json.loads((Path(__file__).parent / "golden" / "faults.json").read_text())
EPISODES = [
    pytest.param(episode, id=f"{episode['game']}-{episode['fault']}-{episode['seat']}")
    for episode in RECORDED["episodes"]
]


def without_clocks(steps: list[list[dict[str, Any]]]) -> list[list[dict[str, Any]]]:
    def seen(observation: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in observation.items() if key != CLOCK}

    return [[seat | {"observation": seen(seat["observation"])} for seat in step] for step in steps]


@pytest.mark.parametrize("recorded", EPISODES)
def test_a_fault_is_judged_as_recorded(recorded: dict[str, Any]) -> None:
    game = RECORDED["games"][recorded["game"]]
    agents = [game["rival"]] * 2
    agents[recorded["seat"]] = RECORDED["sources"][recorded["fault"]]
    random.seed(RECORDED["seed"])
    env = make(recorded["game"], game["configuration"])
    env.run(agents)
    played = env.toJSON()
    assert played["statuses"] == recorded["statuses"]
    assert played["rewards"] == recorded["rewards"]
    assert without_clocks(played["steps"]) == recorded["steps"]
    assert [[log.get("stdout", "") for log in step] for step in env.logs[1:]] == recorded["stdout"]


def test_faults_of_every_status_are_recorded() -> None:
    statuses = {status for episode in RECORDED["episodes"] for status in episode["statuses"]}
    assert {"DONE", "ERROR", "INVALID"} <= statuses

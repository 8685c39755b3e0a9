"""Replays of foraging, which records what is to be seen and not what agents saw."""

from typing import Any

import pytest

from evaluation import make, replay


def stays(observation: Any) -> list[int]:
    return [0] * len(observation.members)


@pytest.mark.parametrize(
    "seats", [["greedy"], ["greedy", "random"], ["pheromone", stays, "greedy"]]
)
def test_a_replay_can_be_proved(seats):
    env = make("foraging", {"episodeSteps": 41}, info={"seed": 11})
    env.run(seats)
    packed = replay.to_bytes(env.toJSON())
    assert replay.verify(packed) is None
    loaded = replay.from_bytes(packed)
    loaded["steps"][20][0]["observation"]["world"]["agents"][0][5] += 1
    assert str(replay.verify(loaded)).startswith("Step 20, seat 1: observation.world.agents[0][5]")


def test_a_replay_with_faults_can_be_proved():
    env = make("foraging", {"episodeSteps": 21}, info={"seed": 11})
    seats = [lambda observation: [0] if observation.step == 9 else stays(observation),
             lambda: 1 / 0, "greedy"]  # fmt: skip
    env.run(seats)
    assert [seat.status for seat in env.state] == ["INVALID", "ERROR", "DONE"]
    assert replay.verify(env.toJSON()) is None


def test_a_replay_holds_no_more_than_what_is_to_be_seen():
    env = make("foraging", {"episodeSteps": 201}, info={"seed": 11})
    env.run(["greedy", "greedy"])
    recorded = env.toJSON()
    assert {key for step in recorded["steps"] for key in step[1]["observation"]} == {
        "delivered",
        "remainingOverageTime",
    }
    assert len(replay.to_bytes(recorded)) < 350 * len(env.steps)


def test_without_a_seed_every_episode_has_one_of_its_own_that_replays_know():
    env, seeds = make("foraging", {"episodeSteps": 4}), []
    for _ in range(3):
        env.run(["random", "random"])
        seeds.append(env.state[0].observation.world.seed)
        assert replay.verify(env.toJSON()) is None
    assert len(set(seeds)) == 3
    env.info.seed = 7
    env.reset()
    assert env.state[0].observation.world.seed == 7


@pytest.mark.parametrize("seed", [-1, 2**63 - 1, 0])
def test_any_whole_number_that_json_holds_is_a_seed(seed):
    env = make("foraging", {"episodeSteps": 3}, info={"seed": seed})
    env.run(["random", "random"])
    assert replay.verify(env.toJSON()) is None

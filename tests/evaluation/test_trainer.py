"""Training one seat, and episodes that go on from a copy, from steps or from a state."""

import random
from typing import Any

import pytest

from evaluation import environments, errors, make


def first_free(observation: Any) -> int:
    return observation.board[:7].index(0)


@pytest.mark.parametrize("seat", [0, 1])
def test_rewards_of_the_trained_seat_sum_up_to_its_result(seat):
    random.seed(3)
    agents: list[Any] = ["random", "random"]
    agents[seat] = None
    env = make("connectx")
    trainer = env.train(agents)
    for _ in range(10):
        seen, rewards, done = trainer.reset(), [], False
        assert seen.mark == seat + 1
        while not done:
            seen, reward, done, info = trainer.step(first_free(seen))
            rewards.append(reward)
        assert sum(rewards) == env.state[seat].reward
        assert env.done
        assert info == {}


def test_an_invalid_action_of_the_trained_seat_ends_its_episode_without_reward():
    trainer = make("connectx").train([None, "random"])
    _, reward, done, _ = trainer.step(99)
    assert (reward, done) == (None, True)
    with pytest.raises(errors.FailedPrecondition):
        trainer.step(0)


def test_none_plays_the_default_action():
    env = make("tictactoe")
    _, _, done, _ = env.train([None, lambda: 4]).step(None)
    assert (env.steps[1][0].action, done) == (0, False)


def earn(state: list[Any], env: Any) -> list[Any]:
    """Seats 0, 1 and 2 take turns; each earns what it plays, and 10 for what another plays."""
    turn = len(env.steps) - 1 if env.steps else 0
    for position, seat in enumerate(state):
        if seat.action and not env.done:
            seat.reward += seat.action
            state[(position + 1) % 3].reward += 10
        seat.status = "ACTIVE" if turn % 3 == position else "INACTIVE"
    return state


def test_what_is_earned_in_the_turns_of_others_counts():
    game = {
        **environments["connectx"],
        "specification": {"agents": [3], "action": {"type": "integer", "default": 0}},
        "interpreter": earn,
        "agents": {},
    }
    env = make(game, {"episodeSteps": 20})
    trainer = env.train([1, None, 2])
    total = env.state[1].reward
    done = False
    while not done:
        _, reward, done, _ = trainer.step(5)
        total += reward
    assert total == env.state[1].reward > 5


@pytest.mark.parametrize("agents", [["random", "random"], [None, None], []])
def test_exactly_one_seat_is_trained(agents):
    with pytest.raises(errors.InvalidArgument, match="None"):
        make("connectx").train(agents)


def moved(moves: int) -> Any:
    env = make("connectx", {"inarow": 5}, info={"TeamNames": ["a", "b"]})
    for number in range(moves):
        env.step([number % 7, number % 7])
    return env


def on(env: Any) -> list[Any]:
    random.seed(8)
    return env.run(["random", "random"])


def test_a_clone_goes_on_as_the_original_would():
    env = moved(4)
    twin = env.clone()
    assert on(twin) == on(moved(4))
    assert twin.steps[:5] == env.steps
    assert len(env.steps) == 5
    assert twin.info == env.info
    assert len(twin.logs) == len(twin.steps)


def test_changes_to_a_clone_stay_in_it():
    env = moved(4)
    before = env.toJSON()
    twin = env.clone()
    twin.state[0].observation.board[0] = 9
    twin.steps[1][0].observation.board[0] = 9
    twin.info.TeamNames[0] = "c"
    twin.configuration.rows = 1
    assert env.toJSON() == before


def test_a_clone_of_a_failed_episode_knows_why():
    env = make("connectx")
    env.step([99, None])
    assert env.clone().fault(0) == env.fault(0) != ""


def test_steps_of_a_replay_are_gone_on_from():
    replay = moved(4).toJSON()
    env = make(
        replay["name"], replay["configuration"], replay["info"], replay["steps"], replay["logs"]
    )
    assert on(env) == on(moved(4))
    assert len(env.logs) == len(env.steps)


def test_a_state_is_started_from():
    board = [0] * 35 + [1, 1, 1, 0, 2, 2, 0]
    env = make("connectx", state={"observation": {"board": board, "mark": 1}})
    assert env.state[1].observation.mark == 2
    assert len(env.steps) == 1
    env.step([3, None])
    assert [seat.reward for seat in env.state] == [1, -1]


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("steps", [[{"observation": 3}]]),
        ("steps", [[{}, {}, {}]]),
        ("steps", 7),
        ("steps", [3]),
        ("steps", [[3, 4]]),
        ("state", {"status": "WON"}),
        ("state", 3),
        ("info", [1]),
        ("logs", 3),
        ("configuration", [1]),
        ("configuration", {"rows": "six"}),
    ],
)
def test_nonsense_to_start_from_is_refused(part, value):
    with pytest.raises(errors.InvalidArgument):
        make("connectx", **{part: value})


def test_what_the_trainer_returns_is_a_copy() -> None:
    env = make("connectx")
    seen, _, _, info = env.train([None, "random"]).step(3)
    seen.board[:] = [2] * len(seen.board)
    info["note"] = "mine"
    assert "note" not in env.state[0].info
    assert env.state[0].observation.board.count(2) == 1

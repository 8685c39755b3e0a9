"""The three faults, their rewards, the clocks and the limits of an episode."""

import math
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation import errors, make


class Clocked:
    """An Actor that states how long it took, and keeps what it was given."""

    def __init__(self, action: Any, seconds: float = 0.0) -> None:
        self.action = action
        self.seconds = seconds
        self.calls: list[tuple[Any, Any, float]] = []

    def act(self, observation, configuration, deadline_s):
        self.calls.append((observation, configuration, deadline_s))
        return self.action, {"duration": self.seconds, "stdout": "", "stderr": ""}


def ends(env) -> list[tuple[Any, Any, Any]]:
    return [(seat["action"], seat["reward"], seat["status"]) for seat in env.state]


def fails() -> int:
    raise ValueError("of no use")


@pytest.mark.parametrize("name", ["connectx", "tictactoe"])
def test_an_exception_is_an_error_with_null_reward_and_the_other_gets_0(name):
    env = make(name)
    env.run([lambda: 0, fails])
    assert ends(env) == [(0, 0, "DONE"), (None, None, "ERROR")]
    assert len(env.steps) == 3
    assert "ValueError: of no use" in env.logs[2][1]["stderr"]
    assert "of no use" in env.fault(1)
    assert env.summary() == {
        "cause": "Seat 2 failed with an error at step 2",
        "winner": 0,
        "decisive_step": 2,
    }


@pytest.mark.parametrize("name", ["connectx", "tictactoe"])
@pytest.mark.parametrize(
    "action",
    ["3", -1, True, 2.5, [1], {"a": 1}, b"1", math.nan, math.inf, object(), 10**5000],
    ids=lambda action: type(action).__name__,
)
def test_an_action_outside_its_schema_is_invalid_and_not_kept(name, action):
    env = make(name)
    env.run([lambda: action, "random"])
    assert ends(env) == [(None, None, "INVALID"), (0, 0, "DONE")]
    assert env.fault(0).startswith("The action is")
    assert len(env.fault(0)) < 400


def test_a_column_that_is_not_there_is_invalid_and_kept():
    env = make("connectx", {"rows": 4, "columns": 5, "inarow": 3})
    env.step([10, None])
    assert ends(env) == [(10, None, "INVALID"), (0, 0, "DONE")]
    assert env.state[0].observation.board == [0] * 20
    assert env.fault(0) == "There is no such column: they are numbered 0 to 4."
    assert env.summary()["cause"] == "Seat 1 made an invalid move (10) at step 1"


def test_a_full_column_is_invalid():
    env = make("connectx", {"rows": 2, "columns": 3})
    env.run([lambda: 1, lambda: 1])
    assert ends(env) == [(1, None, "INVALID"), (0, 0, "DONE")]
    assert env.fault(0) == "Column 1 is full."


def test_a_marked_cell_is_invalid():
    env = make("tictactoe")
    env.step([4, None])
    env.step([None, 4])
    assert ends(env) == [(0, 0, "DONE"), (4, None, "INVALID")]


@pytest.mark.parametrize("name", ["connectx", "tictactoe"])
def test_a_whole_float_is_no_move(name):
    env = make(name)
    env.run([lambda: 1.0, "random"])
    assert ends(env) == [(1.0, None, "INVALID"), (0, 0, "DONE")]


def test_a_bad_action_of_the_waiting_seat_is_its_own_fault():
    env = make("connectx")
    env.step([3, "x"])
    assert ends(env) == [(3, 0, "DONE"), (None, None, "INVALID")]


def test_both_seats_can_fail_at_once():
    env = make("connectx")
    env.step(["x", RuntimeError()])
    assert ends(env) == [(None, None, "INVALID"), (None, None, "ERROR")]
    assert env.summary()["winner"] is None


def test_time_over_the_move_limit_is_taken_from_the_bank():
    env = make("connectx", {"actTimeout": 2, "remainingOverageTime": 5})
    slow = Clocked(0, 3.5)
    env.run([slow, Clocked(1, 1.9)])
    banks = [step[0].observation.remainingOverageTime for step in env.steps]
    assert banks[:6] == [5, 3.5, 3.5, 2.0, 2.0, 0.5]
    assert env.steps[4][1].observation.remainingOverageTime == 5
    assert [call[2] for call in slow.calls] == [7, 5.5, 4.0, 2.5]


def test_a_late_answer_is_a_timeout_even_of_an_actor():
    env = make("connectx", {"actTimeout": 2, "remainingOverageTime": 5})
    env.run([Clocked(0, 3.5), Clocked(1)])
    assert ends(env) == [(None, None, "TIMEOUT"), (0, 0, "DONE")]
    assert env.state[0].observation.remainingOverageTime == -1.0
    assert env.summary()["cause"] == "Seat 1 ran out of time at step 7"


def test_an_answer_at_the_limit_is_in_time():
    env = make("connectx", {"actTimeout": 2, "remainingOverageTime": 0})
    env.run([Clocked(0, 2.0), Clocked(1)])
    assert [seat.reward for seat in env.state] == [1, -1]


def test_a_slow_function_is_timed_out_after_the_fact():
    def slow(observation):
        time.sleep(0.05)
        return 0

    env = make("connectx", {"actTimeout": 0.01, "remainingOverageTime": 0.01})
    env.run(["random", slow])
    assert ends(env) == [(0, 0, "DONE"), (None, None, "TIMEOUT")]
    assert env.logs[2][1]["duration"] >= 0.05


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (errors.DeadlineExceeded("too late"), "TIMEOUT"),
        (RuntimeError("crash"), "ERROR"),
        (SystemExit(3), "ERROR"),
    ],
)
def test_an_exception_as_an_answer_is_the_seats_fault(answer, status):
    env = make("tictactoe")
    env.run([Clocked(answer), "random"])
    assert ends(env) == [(None, None, status), (0, 0, "DONE")]
    assert str(answer) in env.fault(0)


def test_a_full_bank_is_the_games_unless_the_configuration_says_otherwise():
    assert make("connectx").state[0].observation.remainingOverageTime == 60
    env = make("connectx", {"remainingOverageTime": 0.5})
    assert [seat.observation.remainingOverageTime for seat in env.state] == [0.5, 0.5]


@pytest.mark.parametrize("bank", [-1, "long", math.nan, True])
def test_a_bank_that_is_no_time_is_refused(bank):
    with pytest.raises(errors.InvalidArgument, match="configuration is invalid"):
        make("connectx", {"remainingOverageTime": bank})


def test_an_episode_past_its_limit_names_the_seat_that_used_the_time():
    def slow(observation):
        time.sleep(0.06)
        return 1

    env = make("connectx", {"runTimeout": 0.1})
    with pytest.raises(errors.DeadlineExceeded, match="seat 2") as caught:
        env.run([lambda: 0, slow])
    assert caught.value.seat == 1
    assert not env.done


def test_an_episode_without_time_ends_before_its_first_move():
    with pytest.raises(errors.DeadlineExceeded):
        make("connectx", {"runTimeout": 0}).run([lambda: 0, lambda: 1])


def test_fail_ends_the_episode_by_a_seats_fault():
    env = make("connectx")
    env.step([3, None])
    env.fail(0, errors.DeadlineExceeded("The episode took too long.", seat=0))
    assert ends(env) == [(None, None, "TIMEOUT"), (0, 0, "DONE")]
    assert env.done
    assert len(env.steps) == len(env.logs) == 3


def test_errors_carry_one_sentence_and_are_of_their_kind():
    error = errors.DeadlineExceeded("Too late.", seat=1)
    assert (str(error), error.message, error.seat) == ("Too late.", "Too late.", 1)
    assert isinstance(error, TimeoutError)
    assert isinstance(errors.InvalidArgument("x"), ValueError)
    assert isinstance(errors.FailedPrecondition("x"), RuntimeError)
    assert isinstance(errors.NotFound("x"), FileNotFoundError)
    assert errors.DeadlineExceeded().seat is None


json_like = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary()
    | st.sampled_from([10**400, -(2**63), 2**64, "\ud800", "x" * 1_000_000, math.nan, -0.0]),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner),
    max_leaves=8,
)


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


@settings(max_examples=150, deadline=None)
@given(st.lists(json_like | st.integers(0, 8), min_size=1, max_size=6), st.booleans())
def test_no_action_raises_out_of_run_or_blames_the_other_seat(actions, connectx):
    played = iter(actions)
    env = make("connectx" if connectx else "tictactoe")
    env.run([lambda: next(played, "end"), "random"])
    assert env.done
    assert env.state[1]["status"] == "DONE"
    assert env.state[0]["status"] in {"DONE", "INVALID"}
    assert env.render(mode="json")


@pytest.mark.parametrize(
    "action",
    [nested(50), nested(100_000), (x for x in ()), print, fails, make],
    ids=["nested", "deep", "generator", "builtin", "function", "engine"],
)
def test_no_object_raises_out_of_run(action):
    for name in ("connectx", "tictactoe"):
        env = make(name)
        env.run([lambda: action, "random"])
        assert env.state[0]["status"] == "INVALID"
        assert env.state[1]["status"] == "DONE"

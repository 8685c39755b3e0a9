"""Where we do otherwise on purpose, seen from both sides. The package's docstring lists them."""

import sys

import pytest

import evaluation
from tests.kaggle_environments.parity import ENGINES, both, kaggle

START = {"number": 0, "integer": 0, "string": "", "array": []}


def summing(kind: str) -> dict:
    """A game whose action may be any value of this kind."""

    def interpreter(state, env):
        return state

    return {
        "specification": {
            "name": "sum",
            "agents": [1],
            "action": {"type": kind, "default": START[kind]},
        },
        "interpreter": interpreter,
        "renderer": lambda state, env: "",
        "html_renderer": lambda: "",
        "agents": {},
    }


def nested(levels: int) -> list:
    value: list = []
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("kind", "action"),
    [
        ("number", float("nan")),
        ("number", float("-inf")),
        ("integer", 2**70),
        ("string", "\ud800"),
        ("array", nested(101)),
    ],
    ids=["nan", "infinity", "huge", "surrogate", "nested"],
)
def test_what_no_json_carries_is_an_invalid_action(kind, action):
    def play(make):
        env = make(summing(kind), {"episodeSteps": 3})
        return env.run([lambda: action])[1][0].status

    assert both(play) == ("INVALID", "ACTIVE")


def test_an_exit_is_an_error_of_its_agent():
    assert evaluation.make("connectx").run([sys.exit, "random"])[-1][0].status == "ERROR"
    with pytest.raises(SystemExit):
        kaggle.make("connectx").run([lambda: sys.exit(), "random"])


def test_there_is_one_entry_of_the_logs_for_each_step():
    def play(make):
        env = make("rps", {"episodeSteps": 5})
        for _ in range(3):
            env.run(["rock", "paper"])
        return len(env.logs) - len(env.steps)

    ours, theirs = both(play)
    assert ours == 0
    assert theirs > 0


def test_an_exception_that_is_returned_is_logged():
    def play(make):
        env = make("rps")
        env.run([lambda: ValueError("a reason"), "paper"])
        return "a reason" in env.logs[-1][0]["stderr"]

    assert both(play) == (True, False)


def test_a_seed_is_blank_in_what_agents_see():
    seen = {}

    def play(name):
        def agent(observation, configuration):
            seen[name] = configuration.randomSeed
            return {}

        ENGINES[name]("halite", {"randomSeed": 3, "episodeSteps": 3}).run([agent])

    for name in ENGINES:
        play(name)
    assert seen == {"ours": None, "theirs": 3}


def test_the_configuration_sets_the_bank():
    def play(make):
        return make("rps", {"remainingOverageTime": 2}).state[0].observation.remainingOverageTime

    assert both(play) == (2, 60)


def test_their_class_for_a_timeout_is_any_exception_here():
    def play(make):
        late = kaggle.errors.DeadlineExceeded()
        return make("connectx").run([lambda: late, "random"])[-1][0].status

    assert both(play) == ("ERROR", "TIMEOUT")


def test_an_agent_at_a_dead_address_has_failed():
    def play(make):
        env = make("connectx", {"episodeSteps": 6})
        return env.run(["http://127.0.0.1:9/", lambda: 3])[-1][0].status

    assert both(play) == ("ERROR", "DONE")


def test_the_seat_that_used_the_time_is_named():
    env = evaluation.make("rps", {"runTimeout": 0, "episodeSteps": 3})
    with pytest.raises(evaluation.errors.DeadlineExceeded) as error:
        env.run(["rock", "paper"])
    assert error.value.seat == 0

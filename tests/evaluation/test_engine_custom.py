"""Environments that are registered from outside, and what their interpreters may do."""

import random
from typing import Any

import pytest

from evaluation import environments, errors, make, register
from evaluation.utils import resolve_episode_seed


def draw(state, env):
    return f"total {state[0].observation.get('total')}"


def script():
    return "function renderer(context) {}"


def module(interpreter, **specification: Any) -> dict[str, Any]:
    given = {"name": "sum", "agents": [1, 2], "configuration": {"episodeSteps": 5}}
    return {
        "specification": {**given, **specification},
        "interpreter": interpreter,
        "renderer": draw,
        "html_renderer": script,
        "agents": {"one": lambda: 1},
    }


def add_up(state, env):
    """Every seat's reward is the sum of its actions."""
    if not env.done:
        for seat in state:
            seat.reward += seat.action
    return state


def test_a_registered_environment_is_made_by_name():
    register("sum", module(add_up))
    assert "sum" in environments
    env = make("sum")
    env.run(["one", lambda: 3])
    assert [seat.reward for seat in env.state] == [4, 12]
    assert env.render(mode="ansi") == "total None"
    assert env.summary()["cause"] == "Best reward for seat 2"
    register("sum", module(add_up, agents=[1]))
    assert make("sum").specification.agents == [1]


def test_an_environment_is_made_from_its_dictionary_and_renders_its_own_script():
    env = make(module(add_up))
    env.run(["one"])
    assert env.state[0].reward == 4
    assert "<!doctype html>" in env.render(mode="html")


@pytest.mark.parametrize(
    "change",
    [
        {"interpreter": 3},
        {"renderer": None},
        {"html_renderer": "text"},
        {"agents": {"bad": 1}},
        {"specification": {"colour": "red"}},
        {"specification": {"configuration": {"episodeStep": 3}}},
        {"specification": {"configuration": {"episodeSteps": {"type": "string"}}}},
        {"specification": {"reward": {"type": "string"}}},
    ],
    ids=lambda change: str(next(iter(change.values()))),
)
def test_a_faulty_environment_is_refused(change):
    with pytest.raises(errors.InvalidArgument):
        make({**module(add_up), **change})


def test_the_given_specification_stays_as_it_was():
    given = module(add_up, reward={"type": "integer"})
    make(given)
    assert given["specification"]["reward"] == {"type": "integer"}
    assert given["specification"]["configuration"] == {"episodeSteps": 5}


def test_an_interpreter_cannot_change_history_through_what_it_kept():
    kept: list[Any] = []

    def hoards(state, env):
        for old in kept:
            old.append("changed later")
        total = state[0].observation.total
        kept.append(total)
        total.append(len(env.steps))
        state[0].info.kept = kept[-1]
        return state

    field = {"type": "array", "shared": True, "default": []}
    env = make(module(hoards, observation={"total": field}))
    env.run(["one"])
    assert [step[0].observation.total for step in env.steps][:3] == [[1], [1, 1], [1, 1, 2]]


def test_an_interpreter_may_return_plain_new_states():
    def rebuilds(state, env):
        return [
            {
                "action": seat.action,
                "reward": 1,
                "info": {"nested": {"deep": [1, {"two": 2}]}},
                "observation": {"remainingOverageTime": 5, "step": 0},
                "status": "INACTIVE" if env.done else "DONE",
            }
            for seat in state
        ]

    env = make(module(rebuilds))
    env.run(["one"])
    assert env.state[0].info.nested.deep[1].two == 2
    assert env.state[0].observation.step == 1


def test_what_an_interpreter_prints_is_an_entry_of_the_logs(capsys):
    def speaks(state, env, logs):
        print("step", len(env.steps), [log.get("stdout") for log in logs])
        return state

    env = make(module(speaks))
    env.run([lambda: print("hello") or 1])
    assert env.logs[0] == [{"stdout": "step 1 []\n", "stderr": ""}]
    assert env.logs[1][1]["stdout"] == "step 1 ['hello\\n']\n"
    assert capsys.readouterr().out == ""


def test_a_faulty_interpreter_is_no_agents_fault():
    def breaks(state, env):
        if not env.done:
            raise KeyError("ours")
        return state

    env = make(module(breaks))
    with pytest.raises(KeyError, match="ours"):
        env.run(["one"])
    assert len(env.steps) == 1


@pytest.mark.parametrize(("verdict", "status"), [("no such move", "INVALID"), ("ERROR", "ERROR")])
def test_an_interpreters_own_verdict_nulls_the_reward(verdict, status):
    def refuses(state, env):
        if not env.done:
            state[0].status, state[0].reward = verdict, 5
            state[1].status, state[1].reward = "DONE", 7
        return state

    env = make(module(refuses))
    env.run(["one", "one"])
    assert [(seat.status, seat.reward) for seat in env.state] == [(status, None), ("DONE", 7)]
    assert env.fault(0) == ("no such move" if status == "INVALID" else "The game ruled ERROR.")


def test_hidden_fields_are_in_the_replay_and_in_no_observation():
    fields = {
        "deck": {"type": "array", "hidden": True, "default": [4, 2]},
        "table": {"type": "array", "shared": True, "default": [7]},
        "deep": {
            "type": "object",
            "default": {},
            "properties": {
                "secret": {"type": "integer", "hidden": True, "default": 5},
                "open": {"type": "integer", "shared": True, "default": 6},
            },
        },
    }
    seen: list[Any] = []
    env = make(module(lambda state: state, observation=fields))
    env.run([lambda obs: seen.append(obs) or 1] * 2)
    assert env.steps[0][0].observation.deck == [4, 2]
    assert env.steps[0][0].observation.deep == {"secret": 5, "open": 6}
    assert "table" not in env.steps[0][1].observation
    assert "open" not in env.steps[0][1].observation.deep
    for observation in seen:
        assert "deck" not in observation
        assert observation.table == [7]
        assert observation.deep == {"open": 6}


def test_a_null_action_is_replaced_by_a_default_of_any_kind():
    kinds = {"type": "object", "default": {"go": "north"}}
    env = make(module(lambda state: state, action=kinds, reward={"type": "number"}))
    env.run([None])
    assert env.state[0].action == {"go": "north"}
    first, second = env.steps[1][0].action, env.steps[2][0].action
    assert first is not second


def test_a_structured_action_is_kept_as_a_copy():
    orders = {"ship": [1, 2]}
    env = make(module(lambda state: state, action={"type": "object"}))
    env.step([orders])
    orders["ship"].append(3)
    assert env.state[0].action == {"ship": [1, 2]}


@pytest.mark.parametrize("orders", [{"a": float("nan")}, {"a": [2**70]}, {"\ud800": 1}])
def test_a_structured_action_unfit_for_json_is_invalid(orders):
    env = make(module(lambda state: state, action={"type": "object"}))
    env.step([orders])
    assert env.state[0].status == "INVALID"


def roll(state, env):
    """Adds a die to every action; the seed decides the rolls."""
    if env.done:
        env.dice = random.Random(resolve_episode_seed(env))
        return state
    for seat in state:
        seat.reward += seat.action + env.dice.randrange(6)
    return state


@pytest.mark.parametrize("where", ["configuration", "info"])
def test_one_seed_gives_one_episode(where):
    def rewards(seed: int) -> list[Any]:
        return make(module(roll), **{where: {"seed": seed}}).run(["one", "one"])

    assert rewards(5) == rewards(5)
    assert rewards(5) != rewards(6)


def test_a_seed_that_was_drawn_is_kept_for_the_replay():
    env = make(module(roll))
    steps = env.run(["one"])
    again = make(module(roll), info={"seed": env.info.seed}).run(["one"])
    assert steps == again


def test_a_seed_that_the_specification_lists_is_null_to_the_agents():
    seen: list[Any] = []
    field = {"seed": {"type": ["integer", "null"], "default": None}, "episodeSteps": 3}
    env = make(module(add_up, configuration=field), {"seed": 9})
    env.run([lambda obs, config: seen.append(config.seed) or 1])
    assert env.configuration.seed == 9
    assert seen == [None, None]


def test_who_plays_alone_neither_wins_nor_draws():
    env = make({**environments["identity"], "summary": None}, {"episodeSteps": 4})
    env.run([1])
    assert env.summary()["cause"] == "Ended at step 3"

"""What an interpreter written for kaggle-environments does to its state and to env works here."""

import copy
import pickle
from typing import Any

from tests.kaggle_environments.parity import plain, same


def module(interpreter, **parts: Any) -> dict[str, Any]:
    specification = {
        "name": "workshop",
        "agents": [2],
        "configuration": {"episodeSteps": 4, "size": {"type": "integer", "default": 3}},
        "observation": {
            "board": {"type": "array", "shared": True, "default": [0, 0, [1]]},
            "hand": {"type": "object", "default": {}},
            "secret": {"type": "integer", "hidden": True, "default": 7},
        },
    }
    return {
        "specification": specification,
        "interpreter": interpreter,
        "renderer": lambda state, env: f"{env.name} {len(state)}",
        "html_renderer": lambda: "",
        "agents": {"one": lambda: 1},
        **parts,
    }


def handle(seat: Any) -> list[Any]:
    """Every way that a struct is read, written and copied."""
    observation = seat.observation
    observation.hand.card = {"rank": 3}
    setattr(observation, "word", "set")  # noqa: B010 - as some games do
    observation["item"] = [1, {"a": 2}]
    copies = [
        copy.copy(observation),
        copy.deepcopy(observation),
        pickle.loads(pickle.dumps(observation)),
        {**observation},
        dict(observation.items()),
    ]
    copies[1].hand.card["rank"] = 99
    return [
        hasattr(observation, "word"),
        hasattr(observation, "absent"),
        getattr(observation, "absent", "fallback"),
        "word" in observation,
        "absent" in observation,
        observation.get("absent", 5),
        observation.get("word"),
        observation.hand.card["rank"],
        isinstance(observation, dict),
        sorted(observation),
        len(observation),
        plain(copies),
    ]


def test_states_are_read_and_changed_as_structs():
    def interpreter(state, env):
        for seat in state:
            seat.info.seen = handle(seat)
            seat.reward = len(seat.info["seen"])
        state[0].observation.board[2][0] += 1
        state[1].observation = {**state[1].observation, "replaced": True}
        return state

    same(lambda make: run(make, module(interpreter)))


def test_env_tells_where_the_episode_stands_and_keeps_what_is_hung_on_it():
    def interpreter(state, env):
        env.calls = getattr(env, "calls", 0) + 1
        env.info["calls"] = env.calls
        env.info.setdefault("done", []).append(env.done)
        env.configuration.size += 1
        env.configuration["added"] = {"deep": [1]}
        state[0].info.facts = [
            len(env.steps),
            env.steps[-1][0].observation.board,
            env.steps[0][0]["status"],
            [seat.status for seat in env.state],
            env.name,
            env.version,
            env.specification.configuration.size.default,
            sorted(env.specification.observation),
            list(env.agents),
            env.interpreter is interpreter,
            callable(env.renderer) and callable(env.html_renderer),
            env.renderer(env.state, env),
            env.debug,
            isinstance(env.id, str),
            isinstance(env.logs, list),
        ]
        env.debug_print("only in debug mode")
        return state

    played = same(lambda make: run(make, module(interpreter)))
    assert played["configuration"]["size"] > 5


def test_an_interpreter_reads_the_logs_of_the_step():
    def interpreter(state, env, logs):
        state[0].info.printed = [log.get("stdout") for log in logs]
        print("from the rules")
        return state

    def play(make):
        env = make(module(interpreter))
        env.run([lambda: print("from an agent"), "one"])
        return env.toJSON()["steps"], env.logs[-1][2]

    same(play)


def test_an_interpreter_may_return_plain_dicts_and_other_statuses():
    def interpreter(state, env):
        seats = [{**seat, "observation": dict(seat.observation)} for seat in state]
        if not env.done:
            seats[0]["status"] = "You may not do that"
            seats[1] |= {"status": "DONE", "reward": 2.5}
        return seats

    assert same(lambda make: run(make, module(interpreter)))["statuses"] == ["INVALID", "DONE"]


def test_an_agent_with_a_memory_is_reset_for_each_episode():
    def play(make):
        resets = []

        def agent(observation):
            return len(resets)

        agent.reset = lambda: resets.append(1)
        env = make(module(lambda state, env: state, agents={"memory": agent}))
        rounds = [env.run(["memory", "memory"]) for _ in range(3)]
        return len(resets), [episode[-1][0].action for episode in rounds]

    assert same(play) == (6, [2, 4, 6])


def run(make, game: dict[str, Any]) -> dict[str, Any]:
    env = make(game)
    env.run(["one", lambda observation: observation.board[2][0]])
    json = env.toJSON()
    return {part: json[part] for part in ("steps", "rewards", "statuses", "configuration", "info")}

"""What may sit in a seat, what it sees, and what is kept of what it prints."""

import functools
import gc
import io
import json
import random
import socket
import sys
import zipfile
from typing import Any

import pytest

from evaluation import Actor, Agent, environments, errors, make


def drop_0() -> int:
    return 0


def play(agent: Any, name: str = "connectx", **configuration: Any):
    env = make(name, configuration)
    env.run([agent, lambda: 1])
    return env


def won(env) -> bool:
    return [seat["reward"] for seat in env.state] == [1, -1]


class Method:
    def play(self, observation):
        return observation.mark - 1

    def __call__(self, observation):
        return observation.mark - 1


@pytest.mark.parametrize(
    "agent",
    [
        drop_0,
        lambda observation: observation.board[0] * 0,
        lambda observation, configuration: configuration.columns - 7,
        lambda observation, configuration, depth=4: depth - 4,
        Method().play,
        Method(),
        functools.partial(lambda number, observation, configuration: number, 0),
        0,
        "def first():\n    return 3\n\ndef last(obs):\n    return 0\n",
        "def act(obs, config):\n    return obs['board'][0] * config['rows'] * 0\n",
    ],
    ids=[
        "no parameter", "observation", "both", "default", "method", "object", "partial",
        "fixed action", "last function of a source", "source with items",
    ],
)  # fmt: skip
def test_every_kind_of_agent_plays(agent):
    assert won(play(agent))


def test_a_built_in_agent_plays_by_its_name():
    random.seed(4)
    by_name = play("random").steps
    random.seed(4)
    assert play(make("connectx").agents.random).steps == by_name


def test_none_leaves_the_seat_to_the_default_action():
    assert won(play(None))


def test_a_file_plays_and_imports_its_neighbour(tmp_path):
    (tmp_path / "opening.py").write_text("COLUMN = 0\n")
    main = tmp_path / "main.py"
    main.write_text(
        "from opening import COLUMN\n\ndef agent(obs, config):\n"
        "    assert config['__raw_path__'] == config.__raw_path__\n    return COLUMN\n"
    )
    for agent in (str(main), main, str(tmp_path)):
        sys.modules.pop("opening", None)
        assert won(play(agent))
    assert str(tmp_path) not in sys.path


@pytest.mark.parametrize("name", ["negamox", "agents/main.py", "C:\\main.py", "f(:"])
def test_a_name_that_is_neither_agent_nor_file_is_refused(name):
    with pytest.raises(errors.NotFound):
        play(name)


def test_neighbours_of_the_same_name_stay_apart(tmp_path):
    for column in (0, 1):
        folder = tmp_path / str(column)
        folder.mkdir()
        (folder / "opening.py").write_text(f"COLUMN = {column}\n")
        (folder / "main.py").write_text(
            "import opening\n\ndef agent(obs):\n    import opening as late\n"
            "    assert late is opening\n    return opening.COLUMN\n"
        )
    env = make("connectx")
    env.run([str(tmp_path / "0"), str(tmp_path / "1")])
    assert {step[0].action for step in env.steps[1::2]} == {0}
    assert {step[1].action for step in env.steps[2::2]} == {1}
    assert "opening" not in sys.modules


def test_an_archive_plays_and_leaves_nothing_behind(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "scratch"))
    (tmp_path / "scratch").mkdir()
    archive = tmp_path / "agent.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("opening.py", "COLUMN = 0\n")
        packed.writestr("main.py", "from opening import COLUMN\ndef agent():\n    return COLUMN\n")
    assert won(play(str(archive)))
    gc.collect()
    assert list((tmp_path / "scratch").iterdir()) == []


def test_an_archive_without_an_agent_is_refused(tmp_path):
    archive = tmp_path / "agent.zip"
    zipfile.ZipFile(archive, "w").close()
    with pytest.raises(errors.InvalidArgument, match=r"archive"):
        play(str(archive))


def test_a_remote_agent_that_is_not_there_fails_with_its_own_status():
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    env = play(f"http://127.0.0.1:{port}/agent")
    assert [seat["status"] for seat in env.state] == ["ERROR", "DONE"]
    assert env.steps[1][0].action is None


def test_a_url_that_cannot_be_one_is_refused():
    with pytest.raises(errors.InvalidArgument, match="port"):
        play("http://127.0.0.1:99999/agent")


def test_a_built_in_with_a_memory_is_reset_for_each_episode():
    class Counter:
        resets = 0

        def reset(self):
            self.resets += 1

        def __call__(self, observation):
            return 0

    counter = Counter()
    game = {**environments["connectx"], "agents": {"counter": counter}}
    env = make(game)
    for _ in range(2):
        env.run(["counter", lambda: 1])
    assert counter.resets == 2
    assert won(env)


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("def agent(obs:\n    return 0  # long enough", "SyntaxError"),
        ("column = 3  # no function in here at all", "defines no function"),
        ("raise RuntimeError('at import, and long')", "at import"),
        ("import sys\nsys.exit('left at import')", "left at import"),
    ],
)
def test_a_source_that_does_not_load_is_an_error_of_its_seat(source, complaint):
    env = play(source)
    assert [seat["status"] for seat in env.state] == ["ERROR", "DONE"]
    assert complaint in env.logs[1][0]["stderr"]


def test_leaving_the_process_is_an_error_of_its_seat():
    env = play(lambda: sys.exit("bye"))
    assert env.state[0]["status"] == "ERROR"
    assert "SystemExit" in env.logs[1][0]["stderr"]


class Recorder:
    """Plays column 0 and keeps what it gets."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def act(self, observation, configuration, deadline_s):
        self.seen.append((observation, configuration))
        return 0, {"duration": 0.25, "stdout": "out" * 10, "stderr": "err" * 10}


def only_plain(value: Any) -> bool:
    if type(value) is dict:
        return all(map(only_plain, value.values()))
    if type(value) is list:
        return all(map(only_plain, value))
    return type(value) in {int, float, str, bool, type(None)}


def test_an_actor_gets_plain_values_ready_for_json():
    actor = Recorder()
    assert isinstance(actor, Actor)
    play(actor, seed=12)
    observation, configuration = actor.seen[0]
    assert only_plain(observation)
    assert only_plain(configuration)
    assert observation == {"remainingOverageTime": 60, "step": 0, "board": [0] * 42, "mark": 1}
    assert json.loads(json.dumps(configuration))["columns"] == 7


def test_an_actors_output_is_cut_and_its_duration_kept():
    env = play(Recorder(), maxLogLength=4)
    assert env.logs[1] == [{"duration": 0.25, "stdout": "outo", "stderr": "erre"}, {}]


def test_agent_makes_an_actor_of_a_function():
    action, log = Agent(lambda observation: print("hm") or 4).act({}, {}, 1.0)
    assert action == 4
    assert log["stdout"] == "hm\n"
    assert isinstance(Agent(drop_0), Actor)


def test_both_seats_see_the_shared_board_and_only_their_own_mark():
    seen: list[Any] = []
    env = make("connectx")
    env.run([lambda obs: seen.append(obs) or 0, lambda obs: seen.append(obs) or 1])
    assert [obs.mark for obs in seen] == [1, 2, 1, 2, 1, 2, 1]
    assert [sum(map(bool, obs.board)) for obs in seen] == list(range(7))
    assert [obs["step"] for obs in seen] == list(range(7))


@pytest.mark.parametrize("where", ["configuration", "info"])
def test_no_agent_sees_the_seed(where):
    actor, seen = Recorder(), []
    env = make("connectx", **{where: {"seed": 77}})
    env.run([actor, lambda obs, config: seen.append((obs, config)) or 1])
    assert env.info["seed"] == 77
    assert "seed" not in repr((actor.seen, seen))
    assert "77" not in repr((actor.seen, seen))


def test_an_agent_cannot_change_the_episode_through_what_it_sees():
    def vandal(observation, configuration):
        observation.board[:] = [1] * 42
        observation.mark = 2
        observation["remainingOverageTime"] = 1e9
        configuration.columns = 1
        configuration.clear()
        return 0

    env, honest = play(vandal), play(0)
    assert env.steps == honest.steps
    assert env.configuration == honest.configuration


def test_an_agent_that_keeps_its_observation_keeps_a_copy():
    kept: list[Any] = []
    play(lambda obs: kept.append(obs) or 0)
    assert kept[0].board == [0] * 42
    assert kept[0].board is not kept[1].board


def test_output_is_logged_by_step_and_seat(capsys):
    def chatty(observation):
        print("to stdout")
        print("to stderr", file=sys.stderr)
        return 0

    env = play(chatty)
    assert env.logs[0] == []
    assert env.logs[1][0]["stdout"] == "to stdout\n"
    assert env.logs[1][0]["stderr"] == "to stderr\n"
    assert env.logs[1][1] == {}
    assert env.logs[2][1]["stdout"] == ""
    assert len(env.logs) == len(env.steps)
    assert capsys.readouterr() == ("", "")


def test_output_is_cut_at_its_limit():
    assert play(lambda: print("X" * 20) or 0, maxLogLength=10).logs[1][0]["stdout"] == "X" * 10
    assert len(play(lambda: print("X" * 30_000) or 0).logs[1][0]["stdout"]) == 10_000
    unlimited = play(lambda: print("X" * 30_000) or 0, maxLogLength=None)
    assert len(unlimited.logs[1][0]["stdout"]) == 30_001


def test_an_agent_that_swaps_or_closes_the_streams_stays_with_its_own(capsys):
    def closes():
        sys.stdout.close()
        return 0

    def swaps():
        sys.stdout = sys.stderr = io.StringIO()
        raise ValueError("in a borrowed stream")

    before = sys.stdout, sys.stderr
    env = make("connectx")
    env.run([closes, swaps])
    assert (sys.stdout, sys.stderr) == before
    assert "borrowed stream" in env.logs[2][1]["stderr"]
    env.run([lambda: print("still heard") or 0, lambda: 1])
    assert env.logs[1][0]["stdout"] == "still heard\n"


def test_debug_prints_faults_and_passes_output_and_exceptions_on(capsys):
    env = make("tictactoe", debug=True)
    env.run([lambda: print("thinking") or "nonsense", "random"])
    printed = capsys.readouterr().out
    assert "thinking" in printed
    assert "'nonsense' is not of type 'integer'" in printed

    def breaks():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        env.run([breaks, "random"])

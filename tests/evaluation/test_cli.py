"""The command line: what an entrant types at home, and what the overview page says to type."""

import json
import os
import pty
import re
import shlex
import signal
import subprocess
import sys
import termios
import zipfile
from pathlib import Path

import pytest

from evaluation.cli import main
from evaluation.options import COMMANDS, EXAMPLES, OPTIONS, POSITIONAL, TAKEN
from evaluation.replay import to_bytes
from league.models import Competition
from league.views.games import try_command
from tests.evaluation.serving import PROJECT, ServerProcess, command, eventually

AGENT = """
def agent(obs, config):
    return [column for column in range(config.columns) if not obs.board[column]][0]
"""


@pytest.fixture
def agent(tmp_path: Path) -> Path:
    path = tmp_path / "main.py"
    path.write_text(AGENT)
    path.chmod(0o644)
    return path


def test_list_names_the_environments(capsys) -> None:
    assert main(["list"]) == 0
    assert {"connectx", "tictactoe"} <= set(capsys.readouterr().out.split())


def test_run_prints_a_replay_that_loads_again(capsys, agent) -> None:
    assert main(["run", "--environment", "connectx", "--agents", str(agent), "random"]) == 0
    replay = json.loads(capsys.readouterr().out)
    assert replay["statuses"] == ["DONE", "DONE"]


def test_the_command_of_the_overview_page_works(agent) -> None:
    competition = Competition(
        environment="connectx", configuration={"rows": 4, "columns": 5, "inarow": 3}
    )
    command = shlex.split(try_command(competition))
    command = [sys.executable, *(str(agent) if word == "main.py" else word for word in command[1:])]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    assert "the slowest took" in done.stdout
    assert done.stdout.count("+---+---+---+---+---+") == 5


def test_a_boxed_agents_fault_is_told_with_its_traceback(capsys, agent) -> None:
    agent.write_text("def agent(obs):\n    return 1 / 0\n")
    options = ["--environment", "connectx", "--agents", str(agent), "random"]
    assert main(["run", "--box", *options, "--render", '{"mode": "ansi"}']) == 0
    said = capsys.readouterr().out
    assert "Seat 1: Move 1: The agent raised ZeroDivisionError." in said
    assert "return 1 / 0" in said


def test_a_boxed_agent_has_the_limits_of_its_competition(capsys, agent) -> None:
    agent.write_text("held = bytearray(480 * 1024 * 1024)\ndef agent(obs): return 3\n")
    options = ["run", "--box", "--environment", "connectx", "--agents", str(agent), "random"]
    assert main([*options, "--limits", '{"memory_mb": 512}', "--display", "ansi"]) == 0
    assert "needed more" in capsys.readouterr().out
    assert main([*options, "--limits", '{"pondering": true, "clock": "wall"}']) == 0
    limits = json.loads(capsys.readouterr().out)["info"]["limits"]
    assert (limits["memory_mb"], limits["clock"], limits["pondering"]) == (1024, "wall", True)


def test_a_boxed_archive_is_taken_as_an_upload_is(capsys, tmp_path) -> None:
    good, bad = tmp_path / "good.zip", tmp_path / "bad.zip"
    for path, name in ((good, "main.py"), (bad, "../main.py")):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(name, "def agent(obs): return obs.board[:7].index(0)\n")
    options = ["run", "--box", "--environment", "connectx", "--agents", "random"]
    assert main([*options, str(good)]) == 0
    assert json.loads(capsys.readouterr().out)["statuses"][1] == "DONE"
    assert main([*options, str(bad)]) == 1
    assert "leads out of the bundle" in capsys.readouterr().err


def test_a_page_is_written_on_request(capsys, agent) -> None:
    options = ["--environment", "connectx", "--agents", str(agent), str(agent)]
    assert main(["run", "--box", *options, "--render", '{"mode": "html"}']) == 0
    assert capsys.readouterr().out.startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--environment", "chess", "--agents", "a", "b"], "no environment named 'chess'"),
        (["--environment", "connectx", "--agents", "nope", "random"], "nope"),
        (["--box", "--environment", "connectx", "--agents", "nope.py", "random"], "missing"),
    ],
)
def test_what_cannot_be_played_is_one_sentence(capsys, arguments, sentence) -> None:
    assert main(["run", *arguments]) == 1
    said = capsys.readouterr().err.strip()
    assert sentence in said
    assert "\n" not in said


def replay_of(capsys, *words: str) -> dict:
    assert main(["run", "--environment", "connectx", "--agents", "random", "random", *words]) == 0
    return json.loads(capsys.readouterr().out)


class TestEvaluate:
    WORDS = ("evaluate", "--environment", "connectx", "--agents", "random", "random")

    def test_prints_the_rewards_of_each_episode(self, capsys) -> None:
        assert main([*self.WORDS, "--episodes", "4", "--seed", "5"]) == 0
        first = capsys.readouterr().out
        assert [sum(rewards) for rewards in json.loads(first)] == [0] * 4
        assert main([*self.WORDS, "--episodes", "4", "--seed", "5"]) == 0
        assert capsys.readouterr().out == first

    def test_shows_a_progress_bar_on_a_terminal_and_nowhere_else(self) -> None:
        assert command(*self.WORDS, "--episodes", "3").stderr == ""
        leader, follower = pty.openpty()
        termios.tcsetwinsize(follower, (24, 80))
        words = [sys.executable, "-m", "evaluation", *self.WORDS, "--episodes", "3"]
        done = subprocess.run(words, cwd=PROJECT, stdout=subprocess.PIPE, stderr=follower)
        os.close(follower)
        shown = os.read(leader, 65536).decode()
        os.close(leader)
        assert "3/3" in shown
        assert len(json.loads(done.stdout)) == 3

    def test_the_log_holds_each_episodes_logs(self, tmp_path) -> None:
        log = tmp_path / "log.json"
        assert main([*self.WORDS, "--episodes", "2", f"--log={log}"]) == 0
        episodes = json.loads(log.read_text())
        assert len(episodes) == 2
        assert "duration" in episodes[1][1][0]


class TestRun:
    def test_a_seed_makes_the_episode_repeatable(self, capsys) -> None:
        first, second = replay_of(capsys, "--seed", "3"), replay_of(capsys, "--seed", "3")
        assert first["steps"] == second["steps"]
        assert first["info"]["seed"] == 3
        assert first["steps"] != replay_of(capsys, "--seed", "4")["steps"]

    def test_a_seeded_boxed_episode_of_built_ins_is_the_same_again(self, capsys) -> None:
        first = replay_of(capsys, "--box", "--seed", "3")
        assert first["steps"] == replay_of(capsys, "--box", "--seed", "3")["steps"]
        assert first["steps"] == replay_of(capsys, "--seed", "3")["steps"]

    def test_info_steps_and_logs_go_on_from_an_episode(self, capsys) -> None:
        whole = replay_of(capsys, "--info", '{"TeamNames": ["a", "b"]}')
        assert whole["info"]["TeamNames"] == ["a", "b"]
        steps, logs = whole["steps"][:3], whole["logs"][:3]
        again = replay_of(capsys, "--steps", json.dumps(steps), "--logs", json.dumps(logs))
        assert again["steps"][:3] == steps
        assert again["logs"][:3] == logs
        assert len(again["logs"]) == len(again["steps"])

    @pytest.mark.parametrize("mode", ["ansi", "human", "txt"])
    def test_display_is_short_for_the_mode_of_render(self, capsys, mode) -> None:
        words = ["--environment", "connectx", "--agents", "random", "random", "--display", mode]
        assert main(["run", *words, "--render", '{"mode": "json"}']) == 0
        assert capsys.readouterr().out.startswith("+---+")

    @pytest.mark.parametrize(
        ("words", "is_on"),
        [
            (["--debug", "True"], True),
            (["--debug", "true"], True),
            (["--debug", "1"], True),
            (["--debug"], True),
            (["--debug", "False"], False),
            (["--debug", "0"], False),
            ([], False),
        ],
    )
    def test_debug_is_on_when_it_says_so(self, capsys, tmp_path, words, is_on) -> None:
        agent = tmp_path / "loud.py"
        agent.write_text("def agent(observation):\n    print('here I am')\n    return 99\n")
        given = ["--environment", "connectx", "--agents", str(agent), "random", "--out", "out.json"]
        done = command("run", *given, *words, cwd=tmp_path)
        assert ("here I am" in done.stdout) is is_on
        assert ("no such column" in done.stdout) is is_on
        assert json.loads((tmp_path / "out.json").read_text())["statuses"] == ["INVALID", "DONE"]

    @pytest.mark.parametrize("box", [[], ["--box"]])
    def test_out_and_log_are_files(self, agent, tmp_path, capsys, box) -> None:
        agent.write_text("def agent(obs):\n    print('seen', obs.step)\n    return 99\n")
        out, log = tmp_path / "out.json", tmp_path / "log.json"
        words = ["--environment", "connectx", "--agents", str(agent), "random", *box]
        assert main(["run", *words, f"--out={out}", f"--log={log}"]) == 0
        assert capsys.readouterr().out == ""
        assert json.loads(out.read_text())["statuses"] == ["INVALID", "DONE"]
        logs = json.loads(log.read_text())
        assert logs[1][0]["stdout"] == "seen 0\n"
        assert logs[1][1] == {}
        assert sorted(path.name for path in tmp_path.iterdir() if path.suffix == ".json") == [
            "log.json",
            "out.json",
        ]

    def test_a_log_is_written_of_an_episode_that_fails_but_no_result(self, agent, tmp_path) -> None:
        agent.write_text("import time\ndef agent(obs):\n    time.sleep(0.1)\n    return 3\n")
        out, log = tmp_path / "out.json", tmp_path / "log.json"
        out.write_text("what was there")
        words = ["--environment", "connectx", "--agents", str(agent), str(agent)]
        words += ["--configuration", '{"runTimeout": 0.05}', f"--out={out}", f"--log={log}"]
        assert main(["run", *words]) == 1
        assert out.read_text() == "what was there"
        assert json.loads(log.read_text())[1][0]["duration"] >= 0.1

    @pytest.mark.parametrize("box", [[], ["--box"]])
    def test_an_agent_behind_a_url_plays(self, agent, capsys, box) -> None:
        serving = ServerProcess()
        url = f"http://localhost:{serving.port}/?agents[]={agent}"
        try:
            words = ["--environment", "connectx", "--agents", url, "random", *box]
            assert main(["run", *words]) == 0
        finally:
            serving.close()
        assert json.loads(capsys.readouterr().out)["statuses"] == ["DONE", "DONE"]

    def test_an_interrupted_run_leaves_nothing_and_says_nothing(self, agent, tmp_path) -> None:
        mark = tmp_path / "mark"
        agent.write_text(
            # Closed, since an interruption of its finalizer would be lost.
            f"import time\ndef agent(o):\n    open({str(mark)!r}, 'w').close()\n    time.sleep(9)"
        )
        words = ["run", "--environment", "connectx", "--agents", str(agent), "random", "--out", "o"]
        process = subprocess.Popen(
            [sys.executable, "-m", "evaluation", *words],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(PROJECT)},
            stderr=subprocess.PIPE,
            # A suite in the background ignores interruptions, and so would this.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        assert eventually(mark.exists)
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=10)[1] == b""
        assert process.returncode == 130
        assert sorted(path.name for path in tmp_path.iterdir()) == ["main.py", "mark"]


class TestStepLoadActAndDispose:
    def test_step_plays_one_step_from_a_state(self, capsys) -> None:
        board = [1] + [0] * 8
        state = json.dumps({"observation": {"board": board}, "status": "ACTIVE"})
        words = ["--environment", "tictactoe", "--agents", "random", "random", "--state", state]
        assert main(["step", *words]) == 0
        steps = json.loads(capsys.readouterr().out)["steps"]
        assert len(steps) == 2
        assert steps[1][0]["observation"]["board"].count(1) == 2

    def test_step_after_the_end_is_one_sentence(self, capsys) -> None:
        steps = json.dumps(replay_of(capsys)["steps"])
        words = ["--environment", "connectx", "--agents", "random", "random", "--steps", steps]
        assert main(["step", *words]) == 1
        assert capsys.readouterr().err == "The episode is over: there is no step to play.\n"

    def test_load_shows_a_replay_and_its_logs_in_another_form(self, capsys, tmp_path) -> None:
        replay, log = tmp_path / "episode.json", tmp_path / "log.json"
        words = ["--environment", "connectx", "--agents", "random", "negamax"]
        assert main(["run", *words, f"--out={replay}", f"--log={log}"]) == 0
        assert main(["load", f"--in={replay}", f"--log={log}"]) == 0
        again, first = json.loads(capsys.readouterr().out), json.loads(replay.read_text())
        assert {**again, "id": ""} == {**first, "id": ""}
        assert main(["load", f"--in={replay}", "--display", "html"]) == 0
        assert capsys.readouterr().out.startswith("<!doctype html>")

    def test_load_reads_a_replay_as_the_league_keeps_it(self, capsys, tmp_path) -> None:
        replay, path = replay_of(capsys), tmp_path / "episode.replay"
        path.write_bytes(to_bytes(replay))
        assert main(["load", f"--in={path}"]) == 0
        assert json.loads(capsys.readouterr().out)["steps"] == replay["steps"]

    @pytest.mark.parametrize("text", ["{", "[]", "{}", '{"name": "connectx"}', "\udcff", ""])
    def test_what_is_no_replay_is_one_sentence(self, capsys, tmp_path, text) -> None:
        path = tmp_path / "episode.json"
        path.write_bytes(text.encode("utf-8", "surrogateescape"))
        assert main(["load", f"--in={path}"]) == 1
        assert capsys.readouterr().err.count("\n") == 1

    def test_act_prints_the_action_and_adds_to_the_log(self, capsys, agent, tmp_path) -> None:
        log = tmp_path / "log.json"
        state = json.dumps({"observation": {"board": [0] * 42, "mark": 1}})
        words = ["act", "--environment", "connectx", "--agents", str(agent), "--state", state]
        for count in (1, 2):
            assert main([*words, f"--log={log}"]) == 0
            assert json.loads(capsys.readouterr().out) == {"action": 0}
            assert [len(entry) for entry in json.loads(log.read_text())] == [1] * count

    def test_dispose_has_nothing_to_forget_in_a_process_of_its_own(self, capsys) -> None:
        assert main(["dispose"]) == 0
        assert capsys.readouterr().out == "Already disposed\n"


class TestWrongOptions:
    RANDOM = ("--environment", "connectx", "--agents", "random", "random")

    @pytest.mark.parametrize(
        ("words", "sentence"),
        [
            ([], "COMMAND"),
            (["fly"], "invalid choice: 'fly'"),
            (["run"], "An environment is needed."),
            (["run", "--port", "80", *RANDOM], "unrecognized arguments: --port"),
            (["run", *RANDOM, "--configuration", "{rows: 3}"], "configuration is not JSON"),
            (["run", *RANDOM, "--configuration", "[]"], "configuration must be a JSON object"),
            (["run", *RANDOM, "--steps", "{}"], "steps must be a JSON list"),
            (["run", *RANDOM, "--seed", "x"], "seed is not JSON"),
            (["run", *RANDOM, "--seed", "1.5"], "seed must be a whole number"),
            (["run", *RANDOM, "--debug", "perhaps"], "debug must be true or false"),
            (["run", *RANDOM, "--display", "webm"], "no render mode 'webm'"),
            (["run", *RANDOM, "--box", "--steps", "[[{}, {}]]"], "boxed episode takes no steps"),
            (["run", *RANDOM, "--limits", "{}", "--box", "--limits", '{"x": 1}'], "no limit 'x'"),
            (["run", *RANDOM, "--box", "--limits", '{"clock": "sand"}'], "cannot be 'sand'"),
            (["run", *RANDOM, "--limits", '{"memory_mb": 512}'], "add --box"),
            (["evaluate", *RANDOM, "--episodes", "0"], "at least 1"),
            (["act", *RANDOM], "One agent must act, 2 were given."),
            (["http-server", "--port", "65536"], "no port 65536"),
            (["http-server", "--port", "http"], "port is not JSON"),
        ],
    )
    def test_are_one_sentence_and_status_2(self, capsys, words, sentence) -> None:
        with pytest.raises(SystemExit) as ended:
            main(words)
        assert ended.value.code == 2
        said = capsys.readouterr()
        assert sentence in said.err
        assert said.err.count("\n") == 1
        assert said.out == ""

    @pytest.mark.parametrize(
        "words",
        [
            ["run", *RANDOM, "--out", "nowhere/out.json"],
            ["run", *RANDOM, "--log", "nowhere/log.json"],
            [
                "step",
                "--environment",
                "tictactoe",
                "--steps",
                '[[{"observation": {"board": [1]}}, {}]]',
            ],
            ["load", "--in", "nowhere.json"],
            ["load", "--environment", "connectx", "--log", "nowhere.json"],
            ["http-server", "--host", "192.0.2.1"],
        ],
    )
    def test_what_cannot_be_done_is_one_sentence_and_status_1(self, tmp_path, words) -> None:
        done = command(*words, cwd=tmp_path)
        assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
        assert list(tmp_path.iterdir()) == []

    def test_out_may_be_a_device(self, capsys) -> None:
        assert main(["list", "--out", "/dev/null"]) == 0
        assert Path("/dev/null").is_char_device()


def test_verify_plays_again_and_tells_the_first_difference(capsys, tmp_path) -> None:
    path = tmp_path / "episode.json"
    words = ["--environment", "connectx", "--agents", "random", "random", "--seed", "7"]
    assert main(["run", *words, "--out", str(path)]) == 0
    assert main(["verify", str(path)]) == 0
    assert "played again as recorded" in capsys.readouterr().out
    replay = json.loads(path.read_text())
    replay["steps"][1][0]["action"] = (replay["steps"][1][0]["action"] + 1) % 7
    path.write_text(json.dumps(replay))
    assert main(["verify", str(path)]) == 1
    assert capsys.readouterr().err.startswith("Step 1, seat 1: observation.board")


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_help_names_every_option_and_an_example(name) -> None:
    done = command(*filter(None, [name]), "-h", check=True)
    flags = [OPTIONS[option].get("metavar") if option in POSITIONAL else f"--{option}"
             for option in TAKEN.get(name, ())]  # fmt: skip
    assert [flag for flag in flags if flag not in done.stdout] == []
    assert EXAMPLES.get(name, "http-server") in done.stdout


class TestTheGuide:
    """docs/command-line.md: every example is done as it stands."""

    TEXT = (PROJECT / "docs" / "command-line.md").read_text(encoding="utf-8")

    def blocks(self, language: str) -> list[str]:
        return re.findall(rf"^```{language}\n(.*?)^```", self.TEXT, re.DOTALL | re.MULTILINE)

    def test_every_command_has_an_example_that_runs(self, tmp_path) -> None:
        (tmp_path / "main.py").write_text(self.blocks("python")[0])
        commands = [shlex.split(line) for block in self.blocks("sh") for line in block.splitlines()]
        assert {words[3] for words in commands} == set(COMMANDS)
        for words in commands:
            if words[3] != "http-server":
                command(*words[3:], cwd=tmp_path, check=True)
        assert {"episode.json", "episode.html"} <= {path.name for path in tmp_path.iterdir()}

    def test_servers_play_through_a_third(self, tmp_path, capsys) -> None:
        agent, example = self.blocks("python")
        (tmp_path / "main.py").write_text(agent)
        servers = {port: ServerProcess(cwd=tmp_path) for port in ("5000", "5001", "5002")}
        try:
            for port, one in servers.items():
                example = example.replace(port, str(one.port))
            exec(compile(example, "command-line.md", "exec"), {})
        finally:
            for one in servers.values():
                one.close()
        assert sum(json.loads(capsys.readouterr().out)) == 0

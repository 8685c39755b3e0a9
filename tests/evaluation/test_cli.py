"""The command line: what an entrant types at home, and what the overview page says to type."""

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from evaluation.cli import main
from league.models import Competition
from league.views.games import try_command

PROJECT = Path(__file__).parents[2]
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

"""What the README of kaggle-environments shows, done here with nothing but the import changed.

Playing in a notebook is tested where the notebook is.
"""

import json
import pydoc
from time import sleep

import pytest
import requests

from evaluation import evaluate, make
from tests.evaluation.serving import ServerProcess, command

FIRST_FREE = """
def act(obs):
    return [cell for cell in range(len(obs.board)) if obs.board[cell] == 0][0]
"""


def first_free(obs):
    return next(cell for cell in range(len(obs.board)) if obs.board[cell] == 0)


class TestHelp:
    def test_public_functions_say_what_they_take_and_do(self) -> None:
        shown = pydoc.render_doc(make, renderer=pydoc.plaintext)
        assert all(name in shown for name in ("environment", "configuration", "steps", "debug"))
        assert all(
            getattr(value, "__doc__", None)
            for value in (make, evaluate, make("tictactoe").reset, make("tictactoe").run)
        )

    def test_an_environment_lists_what_it_can_do(self) -> None:
        names = dir(make("tictactoe"))
        verbs = {"reset", "step", "run", "train", "render", "play", "clone", "toJSON"}
        nouns = {"done", "name", "version", "state", "steps", "configuration", "specification"}
        assert verbs | nouns | {"agents", "info", "logs", "debug"} <= set(names)


class TestAgents:
    def test_a_function_plays_against_a_built_in_and_is_shown(self) -> None:
        env = make("tictactoe")
        env.run([first_free, "random"])
        assert env.done
        assert "<html" in env.render(mode="html")

    def test_one_of_two_parameters_sees_observation_and_configuration(self, capsys) -> None:
        env = make("connectx", {"rows": 10, "columns": 8, "inarow": 5}, debug=True)

        def agent(observation, configuration):
            print(len(observation.board), observation.mark)
            print(configuration.rows, configuration["columns"], configuration.inarow)
            return 3

        env.run([agent, "random"])
        assert capsys.readouterr().out.startswith("80 1\n10 8 5\n")

    def test_the_specification_tells_the_forms(self) -> None:
        specification = make("connectx").specification
        assert specification.observation.board.type == "array"
        assert specification.observation["mark"].enum == [1, 2]
        assert specification.configuration.columns.default == 7
        assert specification.action.type == "integer"

    @pytest.mark.parametrize("kind", ["function", "name", "source", "file", "fixed", "url"])
    def test_every_short_form_of_an_agent_plays(self, kind, tmp_path, serving) -> None:
        file = tmp_path / "agent.py"
        file.write_text(FIRST_FREE)
        agents = {
            "function": first_free,
            "name": "random",
            "source": FIRST_FREE,
            "file": str(file),
            "fixed": 3,
            "url": f"{serving.url}?agents[]={file}",
        }
        env = make("tictactoe")
        last = env.run([agents[kind], "reaction"])[-1]
        if kind == "fixed":  # the second time the cell is taken
            assert [seat.status for seat in last] == ["INVALID", "DONE"]
        else:
            assert [seat.status for seat in last] == ["DONE", "DONE"]
        first_move = env.steps[1][0].action
        assert first_move == {"fixed": 3, "name": first_move}.get(kind, 0)

    def test_the_built_in_agents_are_listed_and_play(self, capsys) -> None:
        env = make("tictactoe")
        print(*env.agents)
        assert {"random", "reaction"} <= set(capsys.readouterr().out.split())
        last = env.run(["random", "reaction"])[-1]
        assert [seat.status for seat in last] == ["DONE", "DONE"]

    def test_one_seat_is_trained_in_a_loop(self, capsys) -> None:
        env = make("connectx", debug=True)
        trainer = env.train([None, "random"])
        observation = trainer.reset()
        ended = 0
        for _ in range(100):
            env.render()
            column = observation.board[:7].index(0)
            observation, reward, done, info = trainer.step(column)
            assert (reward in (-1, 0, 1), info) == (True, {})
            if done:
                ended += 1
                observation = trainer.reset()
        assert ended > 3
        assert capsys.readouterr().out.count("+---+---+---+---+---+---+---+") == 100 * 7

    def test_debug_says_what_was_wrong_with_an_action(self, capsys) -> None:
        def agent():
            return "Something Bad"

        env = make("tictactoe", debug=True)
        env.run([agent, "random"])
        assert "Something Bad" in capsys.readouterr().out
        assert [seat.status for seat in env.state] == ["INVALID", "DONE"]

    def test_the_three_faults_have_a_status_each(self) -> None:
        def slow():
            sleep(0.06)
            return 0

        def broken():
            raise ValueError("no idea")

        env = make("connectx", {"actTimeout": 0, "remainingOverageTime": 0.05})
        statuses = [
            [seat.status for seat in env.run([agent, "random"])[-1]]
            for agent in (slow, broken, lambda: 99)
        ]
        assert statuses == [["TIMEOUT", "DONE"], ["ERROR", "DONE"], ["INVALID", "DONE"]]


class TestEnvironments:
    @pytest.mark.parametrize("name", ["connectx", "tictactoe", "identity"])
    def test_each_of_its_table_is_made_by_name(self, name) -> None:
        assert make(name).name == name

    def test_one_is_made_with_all_that_make_takes(self) -> None:
        env = make("connectx", configuration={"rows": 9, "columns": 10}, steps=[], debug=True)
        assert (env.configuration.rows, env.configuration.columns) == (9, 10)
        assert len(env.state[0].observation.board) == 90
        assert env.debug is True

    def test_a_configuration_mixes_general_and_own_settings(self) -> None:
        env = make("connectx", configuration={"columns": 19, "actTimeout": 10})
        assert (env.configuration.columns, env.configuration.actTimeout) == (19, 10)
        assert {"episodeSteps", "agentTimeout", "runTimeout"} <= set(env.configuration)

    def test_reset_answers_a_state_for_each_seat(self) -> None:
        env = make("connectx")
        env.run(["random", "random"])
        state = env.reset(2)
        assert (len(state), len(env.steps), env.done) == (2, 1, False)
        assert state[0].observation.board == [0] * 42

    def test_run_answers_the_steps(self, capsys) -> None:
        env = make("tictactoe")
        steps = env.run([first_free, "random"])
        print(steps)
        assert steps == env.steps
        assert "'board'" in capsys.readouterr().out

    def test_evaluate_answers_the_rewards_of_each_episode(self) -> None:
        configuration = {"rows": 10, "columns": 8, "inarow": 5}
        rewards = evaluate("connectx", ["random", "negamax"], configuration, [], 3)
        assert [len(seats) for seats in rewards] == [2, 2, 2]
        assert all(sum(seats) == 0 for seats in rewards)

    def test_step_takes_an_action_for_each_seat(self) -> None:
        env = make("tictactoe")
        one, other = (first_free(env.state[0].observation) for _ in range(2))
        state = env.step([one, other])
        assert state[0].observation.board == [1] + [0] * 8
        assert [seat.status for seat in state] == ["INACTIVE", "ACTIVE"]

    def test_the_modes_of_render(self, capsys) -> None:
        env = make("connectx")
        env.run(["random", "random"])
        assert json.loads(env.render(mode="json")) == json.loads(json.dumps(env.toJSON()))
        text = env.render(mode="ansi")
        assert text.count("+---+---+---+---+---+---+---+") == 7
        assert env.render(mode="human") is None
        assert capsys.readouterr().out.strip() == text.strip()
        assert env.render(mode="html").lower().startswith("<!doctype html>")


class TestCommandLine:
    def test_help_and_list(self) -> None:
        assert "http-server" in command("-h", check=True).stdout
        assert {"connectx", "tictactoe", "identity"} <= set(
            command("list", check=True).stdout.split()
        )

    def test_evaluate(self) -> None:
        words = "evaluate --environment connectx --agents random random --episodes 10"
        assert len(json.loads(command(*words.split(), check=True).stdout)) == 10

    def test_run_in_debug(self, tmp_path) -> None:
        agent = tmp_path / "agent.py"
        agent.write_text("def agent(observation):\n    print('thinking')\n    return 99\n")
        words = f"run --environment connectx --agents random {agent} --debug True"
        said = command(*words.split(), check=True).stdout
        assert "thinking" in said
        assert json.loads(said[said.index("{") :])["statuses"] == ["DONE", "INVALID"]

    def test_load_turns_steps_into_a_page(self) -> None:
        steps = json.dumps(make("connectx").run(["random", "random"]))
        words = ["load", "--environment", "connectx", "--steps", steps]
        said = command(*words, "--render", '{"mode": "html"}', check=True).stdout
        assert said.lower().startswith("<!doctype html>")


class TestHttpServer:
    def test_it_serves_at_every_address_of_the_machine(self) -> None:
        process = ServerProcess("--host=0.0.0.0")
        try:
            assert process.get("action=list").json() == command("list").stdout.split()
        finally:
            process.close()

    def test_agents_on_servers_of_their_own_play_through_a_third(self, tmp_path, serving) -> None:
        source = "def agent(obs, config):\n    return {} if obs.board[{}] == 0 else 3\n"
        servers = [ServerProcess(), ServerProcess()]
        try:
            urls = []
            for column, one in enumerate(servers):
                path = tmp_path / f"agent{column}.py"
                path.write_text(source.format(column, column))
                urls.append(f"http://localhost:{one.port}?agents[]={path}")
            body = {"action": "run", "environment": "connectx", "agents": urls}
            replay = requests.post(url=serving.url, data=json.dumps(body), timeout=30).json()
        finally:
            for one in servers:
                one.close()
        assert replay["rewards"] == [1, -1]
        env = make("connectx", steps=replay["steps"], debug=True)
        assert (env.done, len(env.steps)) == (True, 8)
        assert "<html" in env.render(mode="html")

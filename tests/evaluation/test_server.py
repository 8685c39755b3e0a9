"""The HTTP server: what it answers, and how agents play through it."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import pytest

import evaluation
from evaluation import children, server
from evaluation.actions import Acting
from evaluation.request import Request
from tests.evaluation.serving import (
    COUNTS,
    OPENING,
    RANDOM,
    ServerProcess,
    ask,
    in_this_process,
    raw,
)


class TestActions:
    def test_list_is_the_default_and_a_json_list(self, serving) -> None:
        assert {"connectx", "identity", "rps", "tictactoe"} <= set(serving.get().json())
        assert serving.get("action=list").json() == serving.get().json()

    def test_run_answers_the_replay(self, serving) -> None:
        said = serving.post(RANDOM)
        assert said.headers["Content-Type"] == "application/json"
        assert said.json()["statuses"] == ["DONE", "DONE"]
        again = evaluation.make("connectx", steps=said.json()["steps"])
        assert again.done

    def test_parameters_repeat_lists_and_hold_json(self, serving) -> None:
        configuration = quote('{"columns": 5, "rows": 4}')
        said = serving.get(
            "action=run&environment=connectx&agents[]=random&agents[]=negamax&display=ansi"
            f"&configuration{{}}={configuration}"
        )
        assert said.headers["Content-Type"].startswith("text/plain")
        assert said.text.count("+---+---+---+---+---+\n") == 5

    def test_a_list_of_parameters_stands_above_other_forms_of_its_name(self, serving) -> None:
        query = (
            "action=run&environment=connectx&agents=x&agents[]=random&agents{}=[]&agents[]=random"
        )
        assert serving.get(query).json()["statuses"] == ["DONE", "DONE"]

    def test_parameters_and_body_are_merged_and_the_body_wins(self, serving) -> None:
        said = serving.post(
            {"agents": ["random", "random"], "render": '{"mode": "json"}'},
            "action=run&environment=connectx&agents[]=rock&configuration={%22rows%22:5}",
        )
        assert said.json()["name"] == "connectx"
        assert said.json()["configuration"]["rows"] == 5

    def test_a_fixed_action_and_a_seed(self, serving) -> None:
        body = {**RANDOM, "agents": [3, "random"], "seed": 7}
        first, second = serving.post(body).json(), serving.post(body).json()
        assert first["steps"] == second["steps"]
        assert all(step[0]["action"] in (3, 0) for step in first["steps"])

    def test_a_replay_can_be_posted_as_it_is_to_be_loaded(self, serving) -> None:
        replay = serving.post(RANDOM).json()
        page = serving.post({"action": "load", **replay, "display": "html"})
        assert page.headers["Content-Type"].startswith("text/html")
        assert page.headers["Content-Security-Policy"] == "sandbox allow-scripts"
        assert page.text.lower().startswith("<!doctype html>")

    def test_step_plays_one_step_further(self, serving) -> None:
        body = {"action": "step", "environment": "tictactoe", "agents": ["random", "random"]}
        one = serving.post(body).json()
        two = serving.post({**body, "steps": one["steps"], "logs": one["logs"]}).json()
        assert (len(one["steps"]), len(two["steps"])) == (2, 3)
        assert two["steps"][:2] == one["steps"]
        assert len(two["logs"]) == 3

    def test_evaluate_answers_the_rewards_of_each_episode(self, serving) -> None:
        said = serving.get(
            "action=evaluate&environment=connectx&agents[]=random&agents[]=random&episodes=3"
        )
        assert [sum(rewards) for rewards in said.json()] == [0, 0, 0]


class TestAct:
    def test_an_agent_keeps_its_memory_until_it_is_disposed_of(self, serving, write) -> None:
        agent = write(COUNTS)
        assert [serving.act(agent).json() for _ in range(2)] == [{"action": 1}, {"action": 2}]
        assert serving.get("action=dispose").text == "Successfully disposed"
        assert serving.get("action=dispose").text == "Already disposed"
        assert serving.act(agent).json() == {"action": 1}

    def test_agents_sessions_and_environments_do_not_share_a_memory(self, serving, write) -> None:
        one, other = write(COUNTS, "one.py"), write(COUNTS, "other.py")
        serving.act(one)
        assert serving.act(other).json() == {"action": 1}
        assert serving.act(one, session="second episode").json() == {"action": 1}
        assert serving.act(one).json() == {"action": 2}

    def test_one_session_can_be_disposed_of_alone(self, serving, write) -> None:
        agent = write(COUNTS)
        for session in ("a", "b"):
            serving.act(agent, session=session)
        serving.post({"action": "dispose", "session": "a"})
        assert serving.act(agent, session="a").json() == {"action": 1}
        assert serving.act(agent, session="b").json() == {"action": 2}

    def test_each_request_brings_its_configuration(self, serving, write) -> None:
        agent = write("def agent(observation, configuration):\n    return configuration.columns")
        said = [serving.act(agent, configuration={"columns": n}).json() for n in (5, 9)]
        assert said == [{"action": 5}, {"action": 9}]

    @pytest.mark.parametrize(
        ("body", "action"),
        [
            ("raise ValueError('no idea')", "BaseException::no idea"),
            ("return float('nan')", "BaseException::The action cannot be written as JSON."),
            ("import os; os._exit(3)", "BaseException::The agent's process ended."),
            ("while True: pass", "DeadlineExceeded"),
            ("import time; time.sleep(0.4)", "DeadlineExceeded"),
        ],
    )
    def test_a_fault_is_told_in_place_of_an_action(self, serving, write, body, action) -> None:
        agent = write(f"def agent(observation):\n    {body}")
        observation = {**OPENING, "remainingOverageTime": 0.1}
        fields = {"state": {"observation": observation}, "configuration": {"actTimeout": 0.1}}
        assert serving.act(agent, **fields).json() == {"action": action}

    def test_one_that_hangs_is_stopped_and_keeps_nobody_else_waiting(self, serving, write) -> None:
        hangs = write("def agent(observation):\n    while True: pass", "hangs.py")
        quick = write(COUNTS, "quick.py")
        late = {"observation": {**OPENING, "remainingOverageTime": 1}}
        with ThreadPoolExecutor() as pool:
            waiting = pool.submit(serving.act, hangs, state=late, configuration={"actTimeout": 1})
            time.sleep(0.2)
            started = time.monotonic()
            assert serving.act(quick).json() == {"action": 1}
            assert time.monotonic() - started < 1
            assert waiting.result().json() == {"action": "DeadlineExceeded"}

    def test_the_least_recently_asked_agent_makes_room(self, monkeypatch, write) -> None:
        monkeypatch.setattr(children, "KEPT_AGENTS", 2)
        agent = write(COUNTS)
        with in_this_process() as one:
            body = {"action": "act", "environment": "connectx", "agents": [agent]}
            body["state"] = {"observation": OPENING}

            def act(session: str) -> int:
                data = json.dumps({**body, "session": session}).encode()
                return ask(one.address, data).json()["action"]

            assert [act(session) for session in "abacab"] == [1, 1, 2, 1, 3, 1]

    def test_a_log_is_whole_json_and_begins_anew_after_dispose(self, tmp_path, write) -> None:
        log = tmp_path / "log.json"
        agent = write("def agent(observation):\n    print('seen')\n    return 1")
        process = ServerProcess(f"--log={log}")
        try:
            process.act(agent)
            process.act(agent)
            entries = json.loads(log.read_text())
            assert [[entry["stdout"] for entry in step] for step in entries] == [["seen\n"]] * 2
            process.get("action=dispose")
            process.act(agent)
            assert len(json.loads(log.read_text())) == 1
        finally:
            process.close()


class TestErrors:
    @pytest.mark.parametrize(
        ("fields", "sentence"),
        [
            ({"action": "fly"}, "There is no action 'fly'"),
            ({"action": "http-server"}, "There is no action 'http-server'"),
            ({"action": 3}, "The action must be text."),
            ({"action": "run"}, "An environment is needed."),
            ({**RANDOM, "environment": "chess"}, "There is no environment named 'chess'."),
            ({**RANDOM, "environment": {}}, "The environment must be text."),
            ({**RANDOM, "agents": ["random"]}, "not played by 1 agents"),
            ({**RANDOM, "agents": "random"}, "The agents is not JSON"),
            ({**RANDOM, "agents": ["nowhere.py", "random"]}, "no file named nowhere.py"),
            ({**RANDOM, "configuration": []}, "The configuration must be a JSON object."),
            ({**RANDOM, "configuration": {"rows": "x"}}, "configuration is invalid"),
            ({**RANDOM, "steps": [[{"status": 3}, {}]]}, "state of seat 0 is invalid"),
            ({**RANDOM, "render": {"mode": "webm"}}, "There is no render mode 'webm'"),
            ({**RANDOM, "debug": "maybe"}, "must be true or false"),
            ({**RANDOM, "episodes": 0}, "must be at least 1"),
            ({**RANDOM, "out": "file"}, "out names a file"),
            ({**RANDOM, "log": "file"}, "log names a file"),
            ({**RANDOM, "action": "load", "in": "file"}, "in names a file"),
            ({**RANDOM, "action": "act"}, "One agent must act, 2 were given."),
            ({**RANDOM, "action": "act", "agents": [3]}, "The state needs an observation"),
            ({**RANDOM, "box": True, "steps": [[{}]]}, "A boxed episode takes no steps"),
        ],
    )
    def test_what_is_wrong_with_a_request_is_one_sentence(self, serving, fields, sentence) -> None:
        said = serving.post(fields)
        assert said.status == 400
        assert list(said.json()) == ["error"]
        assert sentence in said.json()["error"]

    @pytest.mark.parametrize(
        "body", [b"{", b"[]", b"\xff", b"[" * 100_000, b'{"seed": 1' + b"0" * 9999]
    )
    def test_a_body_that_is_no_json_object_is_refused(self, serving, body) -> None:
        said = serving.post(body)
        assert said.status == 400
        assert said.json()["error"].startswith("The body ")

    def test_debug_passes_the_exception_of_an_agent_on_to_the_caller(self, serving, write) -> None:
        agent = write("def agent(observation):\n    return 1 / 0")
        said = serving.post({**RANDOM, "agents": [agent, "random"], "debug": True})
        assert (said.status, said.json()) == (
            400,
            {"error": "ZeroDivisionError('division by zero')"},
        )

    def test_an_agent_that_ends_the_process_ends_the_request_only(self, serving, write) -> None:
        agent = write("import os\ndef agent(observation):\n    os._exit(0)")
        said = serving.post({**RANDOM, "agents": [agent, "random"]})
        assert said.status == 400
        assert "process ended" in said.json()["error"]
        assert serving.get().status == 200

    @pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "HEAD", "BREW"])
    def test_only_get_and_post_are_answered(self, serving, method) -> None:
        text = f"{method} / HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
        head, _, body = raw(serving.port, text).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 405 ")
        assert b"Allow: GET, POST" in head
        assert b"Access-Control" not in head
        assert body == b"" if method == "HEAD" else b"Only GET and POST" in body

    @pytest.mark.parametrize(
        ("lines", "status"),
        [
            ("POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked", 411),
            ("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999", 413),
            (f"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: {'9' * 5000}", 413),
            ("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1", 400),
            ("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2", 400),
            ("GET /etc/passwd HTTP/1.1\r\nHost: localhost", 404),
            (f"GET /?{'x' * 70_000} HTTP/1.1\r\nHost: localhost", 414),
            (f"GET /?{'x&' * 200} HTTP/1.1\r\nHost: localhost", 400),
            ("GET / HTTP/1.1", 403),
            ("GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost", 403),
        ],
    )
    def test_a_request_that_http_does_not_know_is_refused(self, serving, lines, status) -> None:
        answer = raw(serving.port, f"{lines}\r\nConnection: close\r\n\r\n".encode())
        assert answer.startswith(f"HTTP/1.1 {status} ".encode())
        assert "error" in json.loads(answer.partition(b"\r\n\r\n")[2])

    def test_a_body_that_is_too_large_is_answered_while_it_is_being_sent(self, serving) -> None:
        said = serving.post(b" " * (server.BODY_BYTES + 1))
        assert said.status == 413

    def test_what_breaks_in_an_environment_is_500_without_a_trace(self, broken, capsys) -> None:
        said = children.answer(
            Request.read({"action": "load", "environment": broken}), Acting(), abs
        )
        assert (said.status, json.loads(said.body)) == (
            500,
            {"error": "The server failed; its terminal says why."},
        )
        assert "LookupError: secret path" in capsys.readouterr().err

    def test_what_breaks_under_a_given_configuration_is_its_fault(self, broken) -> None:
        fields = {"action": "load", "environment": broken, "configuration": {"rows": 1}}
        said = children.answer(Request.read(fields), Acting(), abs)
        assert (said.status, json.loads(said.body)) == (
            400,
            {"error": f"{broken} cannot be played so: LookupError('secret path')."},
        )


@pytest.fixture
def broken() -> Iterator[str]:
    """An environment whose interpreter fails."""

    def interpreter(state, env):
        raise LookupError("secret path")

    evaluation.register("broken", {**evaluation.environments["rps"], "interpreter": interpreter})
    yield "broken"
    evaluation.environments._modules.pop("broken")


class TestSeparateServers:
    def test_two_agents_play_through_a_third_server(self, write) -> None:
        first = write("def agent(o, c):\n    return 0 if not o.board[0] else 1", "first.py")
        last = write("def agent(o, c):\n    return c.columns - 1", "last.py")
        servers = [ServerProcess() for _ in range(3)]
        try:
            urls = [
                f"http://localhost:{one.port}?agents[]={path}"
                for one, path in zip(servers, [first, last], strict=False)
            ]
            said = servers[2].post({**RANDOM, "agents": urls}).json()
        finally:
            for one in servers:
                one.close()
        assert [step[0]["action"] for step in said["steps"][1::2]] == [0, 0, 0, 0]
        assert [step[1]["action"] for step in said["steps"][2::2]] == [6, 6, 6]
        assert (said["rewards"], said["statuses"]) == ([1, -1], ["DONE", "DONE"])

    def test_a_server_may_ask_itself(self, serving, write) -> None:
        agent = write(
            "def agent(o, c):\n    return [n for n in range(c.columns) if not o.board[n]][0]"
        )
        url = f"{serving.url}/?agents[]={agent}"
        said = serving.post({**RANDOM, "agents": [url, "random"]}).json()
        assert said["statuses"] == ["DONE", "DONE"]

    @pytest.mark.parametrize(
        ("body", "status"),
        [("raise ValueError", "ERROR"), ("while True: pass", "TIMEOUT"), ("return 99", "INVALID")],
    )
    def test_a_fault_over_there_is_the_fault_of_its_seat(
        self, serving, write, body, status
    ) -> None:
        agent = write(f"def agent(o):\n    {body}")
        env = evaluation.make("connectx", {"actTimeout": 0.5, "remainingOverageTime": 0.5})
        last = env.run(["random", f"{serving.url}/?agents[]={agent}"])[-1]
        assert [seat.status for seat in last] == ["DONE", status]

"""The HTTP server: what it answers, to whom, and that nothing of it is left behind."""

import json
import signal
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import pytest

import evaluation
from evaluation import children, server
from evaluation.actions import Acting
from evaluation.request import Request
from tests.evaluation.serving import OPENING, ServerProcess, ask, command, eventually

COUNTS = """
count = 0
def agent(observation, configuration):
    global count
    count += 1
    return count % configuration.columns
"""
RANDOM = {"action": "run", "environment": "connectx", "agents": ["random", "random"]}


@pytest.fixture(scope="module")
def serving() -> Iterator[ServerProcess]:
    process = ServerProcess()
    yield process
    process.close()


@pytest.fixture
def write(tmp_path: Path):
    def write(source: str, name: str = "agent.py") -> str:
        path = tmp_path / name
        path.write_text(source)
        return str(path)

    return write


@contextmanager
def in_this_process(**options) -> Iterator[server.Server]:
    one = server.Server(server.Options(port=0, **options))
    thread = threading.Thread(target=one.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield one
    finally:
        one.shutdown()
        thread.join()
        one.server_close()
        one.children.close()


def raw(port: int, text: bytes, seconds: float = 10) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as connection:
        connection.sendall(text)
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
    return answer


class TestActions:
    def test_list_is_the_default_and_a_json_list(self, serving) -> None:
        assert serving.get().json() == list(evaluation.environments)
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


class TestWhoMayAsk:
    @pytest.mark.parametrize("host", ["localhost:1", "127.0.0.2", "[::1]:80", "127.0.0.1"])
    def test_loopback_may_be_named_as_it_likes(self, serving, host) -> None:
        assert serving.get(Host=host).status == 200

    @pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "8.8.8.8", "", "["])
    def test_a_name_that_merely_points_here_is_refused(self, serving, host) -> None:
        assert serving.get(Host=host).status == 403

    @pytest.mark.parametrize(
        "headers",
        [
            {"Origin": "http://evil.example"},
            {"Origin": "null"},
            {"Origin": "http://localhost:3000"},
            {"Sec_Fetch_Site": "cross-site"},
            {"Sec_Fetch_Site": "same-site"},
        ],
    )
    def test_a_web_page_is_refused(self, serving, headers) -> None:
        said = serving.post(RANDOM, **headers)
        assert said.status == 403
        assert said.headers["Access-Control-Allow-Origin"] is None

    def test_a_typed_address_and_the_own_page_are_answered(self, serving) -> None:
        assert serving.get(Sec_Fetch_Site="none").status == 200
        assert serving.get(Origin=serving.url, Sec_Fetch_Site="same-origin").status == 200

    def test_a_name_given_by_option_is_answered(self) -> None:
        with in_this_process(allow_hosts=["box.example"]) as one:
            assert ask(one.address, Host="box.example:80").status == 200
            assert ask(one.address, Host="other.example").status == 403

    @pytest.mark.parametrize(
        "agent",
        ["main.py", "/etc/hostname", "def agent(o):\n    return 0", "http://127.0.0.1:1/", "nope"],
    )
    def test_another_machine_may_not_have_code_run(self, serving, agent) -> None:
        said = serving.post({**RANDOM, "agents": [agent, "random"]}, X_Forwarded_For="10.0.0.1")
        assert said.status == 403
        assert "From another machine" in said.json()["error"]
        act = {"action": "act", "environment": "connectx", "agents": [agent]}
        act["state"] = {"observation": OPENING}
        assert serving.post(act, Via="1.1 proxy").status == 403

    def test_another_machine_may_not_ask_for_the_box(self, serving) -> None:
        assert serving.post({**RANDOM, "box": True}, Forwarded="for=10.0.0.1").status == 403

    def test_another_machine_may_play_what_is_there(self, serving) -> None:
        body = {"action": "run", "environment": "rps", "agents": [1, "rock"]}
        said = serving.post(body, X_Forwarded_For="10.0.0.1")
        assert said.json()["statuses"] == ["DONE", "DONE"]

    def test_another_machine_gets_bounded_memory(self, serving) -> None:
        body = {**RANDOM, "configuration": {"rows": 10**5, "columns": 10**5}}
        said = serving.post(body, X_Forwarded_For="10.0.0.1")
        assert said.status == 400
        assert "cannot be played so: MemoryError" in said.json()["error"]

    def test_another_machine_gets_bounded_time_and_bodies(self, monkeypatch) -> None:
        monkeypatch.setattr(children, "STRANGER_S", 1)
        endless = json.dumps({**RANDOM, "action": "evaluate", "episodes": 10**9}).encode()
        with in_this_process() as one:
            said = ask(one.address, endless, Via="1.1 proxy")
            assert (said.status, said.json()) == (400, {"error": "This takes longer than 1 s."})
            assert ask(one.address, b" " * 2 * 1024**2, Via="1.1 proxy").status == 413
            assert ask(one.address, b" " * 2 * 1024**2).status == 200

    def test_another_machine_may_be_trusted_by_option(self, write) -> None:
        agent = write("def agent(observation):\n    return 3")
        body = json.dumps({**RANDOM, "agents": [agent, "random"]}).encode()
        with in_this_process(trust_remote=True) as one:
            assert ask(one.address, body, X_Forwarded_For="10.0.0.1").status == 200

    def test_a_caller_from_another_address_is_a_stranger(self, write) -> None:
        outside = own_address()
        body = json.dumps({**RANDOM, "agents": [write(COUNTS), "random"]}).encode()
        with in_this_process(host="0.0.0.0") as one:
            url = f"http://{outside}:{one.server_port}"
            assert ask(url).status == 200
            assert ask(url, body).status == 403
            assert ask(url, Host="8.8.8.8").status == 403


def own_address() -> str:
    """An address of this machine that is not loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing: asks which address would
        except OSError:
            pytest.skip("This machine has no address but loopback.")
        return probe.getsockname()[0]


class TestLimits:
    def test_a_caller_that_sends_too_slowly_is_let_go(self, monkeypatch) -> None:
        monkeypatch.setattr(server, "READ_S", 0.3)
        with in_this_process() as one, socket.create_connection(one.server_address) as connection:
            started = time.monotonic()
            with suppress(OSError):
                while time.monotonic() - started < 5:
                    connection.sendall(b"G")
                    time.sleep(0.02)
            assert time.monotonic() - started < 1.5

    def test_more_connections_than_it_has_threads_for_are_told_so(self, monkeypatch) -> None:
        monkeypatch.setattr(server, "CONNECTIONS", 1)
        with in_this_process() as one:
            with socket.create_connection(one.server_address):
                assert eventually(lambda: ask(one.address).status == 503)
                assert ask(one.address).json() == {"error": "The server is busy."}
            assert eventually(lambda: ask(one.address).status == 200)

    def test_a_connection_serves_one_request_after_the_other(self, serving) -> None:
        request = b"GET / HTTP/1.1\r\nHost: localhost\r\n"
        answer = raw(serving.port, request + b"\r\n" + request + b"Connection: close\r\n\r\n")
        assert answer.count(b"HTTP/1.1 200 OK") == 2

    def test_what_a_refused_request_carried_is_not_taken_for_the_next(self, serving) -> None:
        bad = b'POST /?seed{}=x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n{"a":'
        good = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        answers = raw(serving.port, bad + good).split(b"HTTP/1.1 ")
        assert [answer[:3] for answer in answers[1:]] == [b"400", b"200"]

    def test_other_machines_play_a_few_episodes_at_once(self, monkeypatch) -> None:
        monkeypatch.setattr(server, "STRANGERS", 1)
        monkeypatch.setattr(children, "STRANGER_S", 1)
        endless = json.dumps({**RANDOM, "action": "evaluate", "episodes": 10**9}).encode()
        with in_this_process() as one, ThreadPoolExecutor() as pool:
            waiting = pool.submit(ask, one.address, endless, Via="1.1 proxy")
            time.sleep(0.3)
            assert ask(one.address, endless, Via="1.1 proxy").status == 503
            assert waiting.result().status == 400
            assert ask(one.address, json.dumps(RANDOM).encode(), Via="1.1 proxy").status == 200

    def test_processes_and_descriptors_are_given_back(self) -> None:
        process = ServerProcess()
        try:
            for round_ in range(3):
                for session in ("a", "b"):
                    process.act("random", session=session)
                process.post(RANDOM)
                process.get("action=dispose")
                descriptors = len(list(Path(f"/proc/{process.process.pid}/fd").iterdir()))
                if round_ == 0:
                    first = descriptors
            assert eventually(lambda: len(process.family()) == 2)
            assert descriptors <= first + 1
        finally:
            process.close()

    def test_requests_are_answered_side_by_side(self, serving) -> None:
        with ThreadPoolExecutor(8) as pool:
            replays = list(pool.map(lambda _: serving.post(RANDOM).json(), range(8)))
        assert [replay["statuses"] for replay in replays] == [["DONE", "DONE"]] * 8

    def test_an_episode_ends_when_its_caller_hangs_up(self, write, tmp_path) -> None:
        mark = tmp_path / "mark"
        agent = write(f"def agent(o):\n    open({str(mark)!r}, 'w').close()\n    while True: pass")
        process = ServerProcess()
        try:
            process.get("action=evaluate&environment=rps&agents[]=rock&agents[]=rock")
            idle = len(process.family())
            body = json.dumps({**RANDOM, "agents": [agent, "random"]}).encode()
            head = f"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
            with socket.create_connection(("127.0.0.1", process.port)) as connection:
                connection.sendall(head.encode() + body)
                assert eventually(mark.exists)
                assert len(process.family()) == idle + 1
            assert eventually(lambda: len(process.family()) == idle)
        finally:
            process.close()


class TestItsEnd:
    def test_it_says_where_it_serves(self, serving) -> None:
        assert serving.first_line == f"Serving on http://127.0.0.1:{serving.port}\n"

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_a_signal_ends_it_and_every_agent(self, write, number) -> None:
        process = ServerProcess()
        process.act(write(COUNTS))
        hangs = write("def agent(o):\n    while True: pass", "hangs.py")
        with ThreadPoolExecutor() as pool:
            waiting = pool.submit(process.post, {**RANDOM, "agents": [hangs, "random"]})
            assert eventually(lambda: len(process.family()) >= 4)
            assert process.close(number) == 0
            assert eventually(lambda: process.family() == [])
            with suppress(OSError):  # the connection may end before the answer is sent
                assert waiting.result().status == 400

    def test_a_kill_leaves_no_agent_behind(self, write) -> None:
        process = ServerProcess()
        process.act(write(COUNTS))
        hangs = write("def agent(o):\n    while True: pass", "hangs.py")
        body = json.dumps({**RANDOM, "agents": [hangs, "random"]}).encode()
        head = f"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
        with socket.create_connection(("127.0.0.1", process.port)) as connection:
            connection.sendall(head.encode() + body)
            assert eventually(lambda: len(process.family()) >= 4)
            process.close(signal.SIGKILL)
        assert eventually(lambda: process.family() == [])

    def test_a_port_that_is_taken_is_one_sentence(self, serving) -> None:
        done = command("http-server", f"--port={serving.port}")
        assert done.returncode == 1
        assert done.stderr.count("\n") == 1
        assert "in use" in done.stderr


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

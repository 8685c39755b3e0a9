"""The HTTP server: whom it answers, how much it gives, and that nothing of it is left behind."""

import json
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path

import pytest

from evaluation import children, server
from tests.evaluation.serving import (
    COUNTS,
    OPENING,
    RANDOM,
    ServerProcess,
    ask,
    command,
    eventually,
    in_this_process,
    raw,
)


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
            with suppress(
                OSError, HTTPException
            ):  # the connection may end before the answer is sent
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

    @pytest.mark.parametrize("move", ["return 0", "os._exit(1)"])
    def test_what_an_agent_has_started_ends_with_its_episode(self, write, move) -> None:
        agent = write(
            f"import os, subprocess\nsubprocess.Popen(['sleep', '60'])\ndef agent(o):\n    {move}"
        )
        process = ServerProcess()
        try:
            process.post(RANDOM)
            idle = len(process.family())
            process.post({**RANDOM, "agents": [agent, "random"]})
            assert eventually(lambda: len(process.family()) == idle)
        finally:
            process.close()

    def test_a_kill_ends_what_an_agent_has_started(self, write) -> None:
        process = ServerProcess()
        source = "import subprocess\nsubprocess.Popen(['sleep', '60'])\n"
        process.act(write(f"{source}def agent(o):\n    return 0"))
        assert eventually(lambda: len(process.family()) >= 4)
        process.close(signal.SIGKILL)
        assert eventually(lambda: process.family() == [])

    def test_a_port_that_is_taken_is_one_sentence(self, serving) -> None:
        done = command("http-server", f"--port={serving.port}")
        assert done.returncode == 1
        assert done.stderr.count("\n") == 1
        assert "in use" in done.stderr

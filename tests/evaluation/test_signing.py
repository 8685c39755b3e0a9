"""The key of an installation, its signatures, and the server of the docs that verifies them."""

import base64
import json
import os
import re
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from evaluation.match import AgentSpec, EpisodeSpec, play_episode
from evaluation.signing import SignatureError, SigningKey, verify
from evaluation.url_agent import UrlAgent
from evaluation.verdict import NETWORK_ADVICE
from tests.evaluation.remote import Server, answer
from tests.evaluation.serving import eventually

PROJECT = Path(__file__).parents[2]
DOCUMENT = PROJECT / "docs" / "url-agents.md"
URL = "https://agents.example.org/play-5f3a9c"
BODY = b'{"action": "act"}'
KEY = SigningKey(bytes(range(32)))


class TestKey:
    def test_it_is_made_once_and_only_its_owner_reads_it(self, tmp_path):
        path = tmp_path / "data" / "signing.key"
        key = SigningKey.load_or_create(path)
        assert SigningKey.load_or_create(path) == key
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert re.fullmatch(r"whsk_[A-Za-z0-9+/]{43}=\n", path.read_text())
        assert [file.name for file in path.parent.iterdir()] == ["signing.key"]

    def test_two_installations_have_two_keys(self, tmp_path):
        keys = [SigningKey.load_or_create(tmp_path / name) for name in "ab"]
        assert keys[0].public != keys[1].public

    def test_public_key_is_that_of_ed25519_behind_the_standard_prefix(self):
        """The first key pair of RFC 8032, 7.1."""
        seed, public = (
            bytes.fromhex(digits)
            for digits in (
                "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
                "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            )
        )
        assert SigningKey(seed).public == "whpk_" + base64.b64encode(public).decode()

    @pytest.mark.parametrize("content", ["", "whsk_", "whsk_AAAA", "whsk_\xff", "secret", "x" * 99])
    def test_file_that_holds_no_key_is_refused_and_kept(self, tmp_path, content):
        path = tmp_path / "signing.key"
        path.write_text(content, encoding="latin-1")
        with pytest.raises(ValueError, match=r"^signing\.key holds no signing key"):
            SigningKey.load_or_create(path)
        assert path.read_text(encoding="latin-1") == content

    def test_processes_that_start_at_once_agree_on_one(self, tmp_path):
        code = (
            "import sys, time; from pathlib import Path\n"
            "from evaluation.signing import SigningKey\n"
            "time.sleep(max(0, float(sys.argv[2]) - time.time()))\n"
            "print(SigningKey.load_or_create(Path(sys.argv[1])).public)"
        )
        words = [sys.executable, "-c", code, str(tmp_path / "signing.key"), str(time.time() + 1)]
        started = [
            subprocess.Popen(words, cwd=PROJECT, stdout=subprocess.PIPE, text=True)
            for _ in range(6)
        ]
        assert len({process.communicate(timeout=30)[0] for process in started}) == 1
        assert os.listdir(tmp_path) == ["signing.key"]

    def test_it_does_not_show_in_a_traceback(self):
        assert "0102" not in repr(KEY)
        assert repr(KEY) == "SigningKey()"


class TestSignature:
    def test_it_is_that_of_standard_webhooks(self):
        headers = KEY.sign(URL, BODY)
        assert list(headers) == ["webhook-id", "webhook-timestamp", "webhook-signature"]
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + BODY
        version, _, signature = headers["webhook-signature"].partition(",")
        assert version == "v1a"
        public = base64.b64decode(KEY.public.removeprefix("whpk_"))
        Ed25519PublicKey.from_public_bytes(public).verify(base64.b64decode(signature), signed)
        assert abs(int(headers["webhook-timestamp"]) - time.time()) < 5

    def test_no_two_messages_have_one_identifier(self):
        assert len({KEY.sign(URL, BODY)["webhook-id"] for _ in range(100)}) == 100

    def test_it_is_taken_for_what_was_signed(self):
        verify(KEY.public, URL, KEY.sign(URL, BODY), BODY)

    @pytest.mark.parametrize(
        ("changed", "words"),
        [
            ({"body": BODY + b" "}, "not that of the key"),
            ({"public": SigningKey(bytes(32)).public}, "not that of the key"),
            ({"url": URL + "/"}, "another URL"),
        ],
    )
    def test_it_is_refused_for_anything_else(self, changed, words):
        asked = {"public": KEY.public, "url": URL, "headers": KEY.sign(URL, BODY), "body": BODY}
        with pytest.raises(SignatureError, match=words):
            verify(**(asked | changed))

    @pytest.mark.parametrize("seconds", [-310, 310])
    def test_it_is_refused_more_than_five_minutes_away(self, seconds):
        asked = KEY.sign(URL, BODY)
        with pytest.raises(SignatureError, match="five minutes"):
            verify(KEY.public, URL, asked, BODY, now=time.time() + seconds)

    @pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
    @pytest.mark.parametrize("value", ["", "x", "1", "v1a,", "v1a,AAAA", "\N{SUPERSCRIPT TWO}"])
    def test_it_is_refused_with_another_header(self, name, value):
        with pytest.raises(SignatureError):
            verify(KEY.public, URL, KEY.sign(URL, BODY) | {name: value}, BODY)

    def test_request_for_one_agent_cannot_be_passed_on_to_another(self):
        asked = KEY.signer("https://rival.example.org/")(BODY)
        with pytest.raises(SignatureError, match="another URL"):
            verify(KEY.public, URL, asked, BODY)


def test_every_request_of_an_episode_is_signed_where_it_names_a_key(tmp_path):
    path = tmp_path / "signing.key"
    public = SigningKey.load_or_create(path).public
    with Server(plays_first_free_cell) as server:
        spec = EpisodeSpec(
            environment="tictactoe",
            configuration={},
            agents=[server.url, AgentSpec("random", "builtin")],
            url_allow=["127.0.0.1"],
            signing_key=str(path),
        )
        result = play_episode(spec)
    assert result.statuses == ["DONE", "DONE"]
    assert len(server.requests) == len(result.moves[0]) >= 3
    for request in server.requests:
        verify(public, server.url, *taken_apart(request))


def plays_first_free_cell(connection, request):
    board = json.loads(taken_apart(request)[1])["state"]["observation"]["board"]
    connection.sendall(answer(b'{"action": %d}' % board.index(0)))


def taken_apart(request: bytes) -> tuple[dict[str, str], bytes]:
    head, _, body = request.partition(b"\r\n\r\n")
    fields = [line.split(": ", 1) for line in head.decode().split("\r\n")[1:]]
    return {name.lower(): value for name, value in fields}, body


class TestDocument:
    @pytest.fixture
    def server(self, tmp_path):
        """The server of the document, with our key and at a free port."""
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        example = re.search(r"^```python\n(.*?)^```", DOCUMENT.read_text(), re.DOTALL | re.M)[1]
        example = example.replace("whpk_…", KEY.public).replace("PORT = 8080", f"PORT = {port}")
        (tmp_path / "server.py").write_text(example)
        command = [sys.executable, tmp_path / "server.py"]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
            assert eventually(lambda: answers(port))
            yield f"http://127.0.0.1:{port}/"
            process.terminate()

    def ask(self, url, signer):
        agent = UrlAgent(url, allow=["127.0.0.1"], signer=signer)
        return agent, *agent.act({"board": [1, 0]}, {}, 10)

    def test_its_server_answers_the_league_and_says_how_long_it_thought(self, server):
        _, action, log = self.ask(server, KEY.signer(URL))
        assert action == 1
        assert 0 <= log["think"] < log["duration"]

    @pytest.mark.parametrize(
        "signer",
        [None, KEY.signer("https://rival.example.org/"), SigningKey(bytes(32)).signer(URL)],
        ids=["unsigned", "passed on", "another league"],
    )
    def test_its_server_answers_nobody_else(self, server, signer):
        agent, _, _ = self.ask(server, signer)
        assert agent.verdict.message == "The agent's server answered with an error status: 401."

    def test_it_lists_every_reason_of_a_network_failure(self):
        assert set(re.findall(r"^\| `(\w+)` \|", DOCUMENT.read_text(), re.M)) == set(NETWORK_ADVICE)


def answers(port):
    with socket.socket() as connection:
        return connection.connect_ex(("127.0.0.1", port)) == 0


def test_cryptography_is_loaded_by_the_first_signature_only():
    code = (
        "import sys, evaluation, evaluation.match, evaluation.url_agent\n"
        "from evaluation.signing import SigningKey\n"
        "key = SigningKey(bytes(32)); key.signer('https://a.example/')\n"
        "assert 'cryptography' not in sys.modules\n"
        "key.public\n"
        "assert 'cryptography' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], cwd=PROJECT, check=True)

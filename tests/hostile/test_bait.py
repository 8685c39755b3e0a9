"""The bait must notice what it is there for, or no hostile agent could fail."""

import base64
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from evaluation.sandbox.process import AgentProcess
from tests.hostile.bait import MARKER, VARIABLE, Bait
from tests.hostile.boxes import HERE, LIMITS, LONG_S, upload

SEARCHER = HERE / "agents" / "environment" / "searches_its_memory.py"
PLANTED = "\nplanted = [bytes(value ^ 1 for value in {disguised!r})]\n"


@pytest.fixture
def bait(open_folder) -> Iterator[Bait]:
    with Bait(open_folder) as bait:
        yield bait


FORMS = {
    "as it is": bytes.decode,
    "backwards": lambda secret: secret[::-1].decode(),
    "hexadecimal": bytes.hex,
    "capital hexadecimal": lambda secret: secret.hex().upper(),
    "backwards hexadecimal": lambda secret: secret[::-1].hex(),
    "base64": lambda secret: base64.b64encode(secret).decode(),
    "base64 behind a letter": lambda secret: base64.b64encode(b"x" + secret).decode(),
    "base64 behind two letters": lambda secret: base64.b64encode(b"xx" + secret).decode(),
    "backwards base64": lambda secret: base64.b64encode(secret).decode()[::-1],
    "numbers": lambda secret: str(list(secret)),
    "representation": lambda secret: repr([secret]),
    "a part": lambda secret: secret[-8:].decode(),
}


@pytest.mark.parametrize("form", FORMS)
def test_secret_is_noticed_in_any_form(bait, form):
    for place, secret in bait.secrets.items():
        assert bait.leaks(f"before {FORMS[form](secret.encode())} after") == [place]


def test_marker_alone_is_no_leak(bait):
    assert bait.leaks(f"{MARKER} {bait.observation()}") == []


def test_secrets_lie_in_environment_and_file_while_it_is_entered(tmp_path):
    with Bait(tmp_path) as bait:
        assert bait.leaks(os.environ[VARIABLE]) == ["environment"]
        assert bait.leaks(Path(bait.observation()["canary"]).read_text()) == ["file"]
    assert VARIABLE not in os.environ


@pytest.mark.parametrize(
    ("door", "family", "kind", "address"),
    [
        ("tcp", socket.AF_INET, socket.SOCK_STREAM, lambda seen: ("127.0.0.1", seen["tcp"])),
        ("udp", socket.AF_INET, socket.SOCK_DGRAM, lambda seen: ("127.0.0.1", seen["udp"])),
        ("unix_stream", socket.AF_UNIX, socket.SOCK_STREAM, lambda seen: seen["unix"][0]),
        ("unix_datagram", socket.AF_UNIX, socket.SOCK_DGRAM, lambda seen: seen["unix"][1]),
        ("abstract_stream", socket.AF_UNIX, socket.SOCK_STREAM, lambda s: "\0" + s["abstract"][0]),
        ("abstract_datagram", socket.AF_UNIX, socket.SOCK_DGRAM, lambda s: "\0" + s["abstract"][1]),
    ],
)
def test_knock_at_a_door_is_noticed(bait, door, family, kind, address):
    assert bait.harm() == []
    with socket.socket(family, kind) as visitor:
        visitor.connect(address(bait.observation()))
        if kind == socket.SOCK_DGRAM:
            visitor.send(b"hello")
        assert bait.harm() == [door]


def test_changed_and_new_files_are_noticed(bait):
    (bait.folder / "new").touch()
    bait.canary.write_text("changed")
    assert bait.harm() == [str(bait.folder / "new"), str(bait.canary)]


def test_search_of_memory_finds_what_is_there(bait):
    disguised = bytes(value ^ 1 for value in bait.secrets["memory"].encode())
    agent = bait.folder / "agent.py"
    planted = PLANTED.format(disguised=disguised)
    agent.write_text(SEARCHER.read_text().replace("\n\n\n", planted + "\n\n", 1))
    with AgentProcess(upload(agent, bait.folder), LIMITS) as box:
        _, log = box.act(bait.observation(), {}, LONG_S)
    assert bait.leaks(log["stdout"]) == ["memory"], log

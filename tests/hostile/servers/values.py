"""Servers whose answers hold values that no action may be."""

import socket

from tests.evaluation.remote import answer
from tests.hostile.servers import hostile


def says(connection: socket.socket, action: bytes) -> None:
    connection.sendall(answer(b'{"action": ' + action + b"}"))


@hostile()
def is_not_a_number(connection: socket.socket, request: bytes) -> None:
    """Tries: to get NaN into state and ratings. Must come out: not_json."""
    says(connection, b"NaN")


@hostile()
def is_infinite(connection: socket.socket, request: bytes) -> None:
    """Tries: infinity in the clothes of a number. Must come out: not_json."""
    says(connection, b"1e999")


@hostile(is_quick=True)
def is_nested_deeply(connection: socket.socket, request: bytes) -> None:
    """Tries: to overflow the stack of whoever reads or copies it. Must come out: not_json."""
    says(connection, b"[" * 30_000 + b"]" * 30_000)


@hostile()
def is_a_giant_integer(connection: socket.socket, request: bytes) -> None:
    """Tries: to burn time turning 60,000 digits into a number. Must come out: not_json."""
    says(connection, b"9" * 60_000)


@hostile()
def is_beyond_64_bits(connection: socket.socket, request: bytes) -> None:
    """Tries: an integer that other readers cannot hold. Must come out: not_json."""
    says(connection, b"9223372036854775808")


@hostile()
def is_half_a_character(connection: socket.socket, request: bytes) -> None:
    """Tries: text that cannot be written as UTF-8. Must come out: not_json."""
    says(connection, rb'"\ud800"')


@hostile()
def is_in_another_encoding(connection: socket.socket, request: bytes) -> None:
    """Tries: to answer in UTF-16. Must come out: not_json."""
    connection.sendall(answer('{"action": 0}'.encode("utf-16")))


@hostile()
def is_followed_by_more(connection: socket.socket, request: bytes) -> None:
    """Tries: to give two objects in one body. Must come out: not_json."""
    connection.sendall(answer(b'{"action": 0}{"action": 1}'))


@hostile()
def is_no_object(connection: socket.socket, request: bytes) -> None:
    """Tries: to answer with a bare value. Must come out: no_action."""
    connection.sendall(answer(b"0"))


@hostile()
def is_an_object(connection: socket.socket, request: bytes) -> None:
    """Tries: to return what looks like an agent's state. Must come out: invalid_action."""
    says(connection, b'{"status": "DONE", "reward": 1}')


@hostile()
def is_long(connection: socket.socket, request: bytes) -> None:
    """Tries: to have 30,000 values copied into each step. Must come out: invalid_action."""
    says(connection, b"[" + b"0," * 29_999 + b"0]")

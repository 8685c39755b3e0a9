"""Servers that send too much, or claim to."""

import gzip
import socket

from tests.evaluation.remote import answer
from tests.hostile.servers import hostile
from tests.hostile.servers.play import flood

MIB = b"x" * 1024**2
OK = b"HTTP/1.1 200 OK\r\n"
BOMB = gzip.compress(MIB * 16)
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


@hostile()
def sends_a_body_without_end(connection: socket.socket, request: bytes) -> None:
    """Tries: to fill the worker's memory with a body of no length. Must come out: too_large."""
    connection.sendall(OK + b"\r\n")
    flood(connection, MIB)


@hostile()
def claims_a_giant_body(connection: socket.socket, request: bytes) -> None:
    """Tries: to have memory set aside for a length of twenty digits. Must come out: too_large."""
    connection.sendall(OK + b"Content-Length: 99999999999999999999\r\n\r\n{}")


@hostile()
def sends_a_header_without_end(connection: socket.socket, request: bytes) -> None:
    """Tries: to fill the worker's memory with one header. Must come out: too_large."""
    connection.sendall(OK + b"X-Padding: ")
    flood(connection, MIB)


@hostile()
def sends_headers_without_end(connection: socket.socket, request: bytes) -> None:
    """Tries: to fill the worker's memory with many small headers. Must come out: too_large."""
    connection.sendall(OK)
    flood(connection, b"A: b\r\n" * 10_000)


@hostile(is_quick=True)
def answers_interim_without_end(connection: socket.socket, request: bytes) -> None:
    """Tries: to keep the client busy with 100 Continue. Must come out: too_large."""
    flood(connection, b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)


@hostile()
def sends_chunks_without_end(connection: socket.socket, request: bytes) -> None:
    """Tries: to get by the bound of the body in pieces. Must come out: too_large."""
    connection.sendall(CHUNKED)
    flood(connection, b"4000\r\n" + b"x" * 0x4000 + b"\r\n")


@hostile()
def sends_crumbs_without_end(connection: socket.socket, request: bytes) -> None:
    """Tries: to burn the worker's time with chunks of one byte. Must come out: too_large."""
    connection.sendall(CHUNKED)
    flood(connection, b"1\r\nx\r\n" * 10_000)


@hostile()
def pads_the_sizes_of_chunks(connection: socket.socket, request: bytes) -> None:
    """Tries: to hide a flood in the extension of a chunk. Must come out: too_large."""
    connection.sendall(CHUNKED + b"1;padding=")
    flood(connection, MIB)


@hostile()
def claims_a_giant_chunk(connection: socket.socket, request: bytes) -> None:
    """Tries: to have a size beyond 64 bits wrap around. Must come out: not_http."""
    connection.sendall(CHUNKED + b"10000000000000002\r\n{}\r\n0\r\n\r\n")


@hostile(is_quick=True)
def compresses_a_bomb(connection: socket.socket, request: bytes) -> None:
    """Tries: to have 16 MiB unpacked from a small answer. Must come out: compressed."""
    connection.sendall(answer(BOMB, "200 OK", "Content-Encoding: gzip"))


@hostile()
def compresses_in_transfer(connection: socket.socket, request: bytes) -> None:
    """Tries: the same bomb under another header. Must come out: compressed."""
    head = OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n"
    connection.sendall(head + b"5\r\n\x1f\x8b\x08\x00\x00\r\n0\r\n\r\n")


@hostile()
def compresses_in_secret(connection: socket.socket, request: bytes) -> None:
    """Tries: to be unpacked without having said so. Must come out: not_json."""
    connection.sendall(answer(gzip.compress(b'{"action": 0}')))


@hostile(certificate="tickets")
def floods_with_tickets(connection: socket.socket, request: bytes) -> None:
    """Tries: to keep TLS reading session tickets, which are no data. Must come out: too_large."""
    flood(connection, MIB)


@hostile()
def reports_a_giant_exception(connection: socket.socket, request: bytes) -> None:
    """Tries: to fill logs with the text of its exception. Must come out: agent_error."""
    connection.sendall(answer(b'{"action": "BaseException::' + b"x" * 60_000 + b'"}'))

"""Servers whose answers have another form, or two."""

import socket
import struct

from tests.evaluation.remote import answer
from tests.hostile.servers import hostile
from tests.hostile.servers.play import hold, move

OK = b"HTTP/1.1 200 OK\r\n"
MOVE = b'{"action": 0}'


@hostile()
def speaks_http_0_9(connection: socket.socket, request: bytes) -> None:
    """Tries: to answer without a head. Must come out: not_http."""
    connection.sendall(MOVE)


@hostile()
def speaks_http_2(connection: socket.socket, request: bytes) -> None:
    """Tries: to answer in frames that nobody has agreed to. Must come out: not_http."""
    connection.sendall(
        b"\x00\x00\x00\x04\x00\x00\x00\x00\x00" + b"\x00\x00\x01\x01\x04\x00\x00\x00\x01"
    )
    hold(connection)


@hostile(is_quick=True)
def is_another_service(connection: socket.socket, request: bytes) -> None:
    """Tries: to be an SSH server and wait for the client's turn. Must come out: not_http."""
    connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
    hold(connection)


@hostile()
def smuggles_by_two_framings(connection: socket.socket, request: bytes) -> None:
    """Tries: to be read as one answer by length and another by chunks. Must come out: not_http."""
    head = OK + b"Content-Length: 13\r\nTransfer-Encoding: chunked\r\n\r\n"
    connection.sendall(head + b"d\r\n" + MOVE + b"\r\n0\r\n\r\n")


@hostile()
def smuggles_by_two_lengths(connection: socket.socket, request: bytes) -> None:
    """Tries: to give two lengths. Must come out: not_http."""
    connection.sendall(OK + b"Content-Length: 13\r\nContent-Length: 2\r\n\r\n" + MOVE)


@hostile()
def smuggles_by_a_bare_line_feed(connection: socket.socket, request: bytes) -> None:
    """Tries: to hide a header behind half an end of line. Must come out: not_http."""
    connection.sendall(OK + b"A: b\nContent-Length: 2\r\n\r\n" + MOVE)


@hostile()
def smuggles_by_a_space(connection: socket.socket, request: bytes) -> None:
    """Tries: to name a header that only some know. Must come out: not_http."""
    connection.sendall(OK + b"Content-Length : 2\r\n\r\n" + MOVE)


@hostile()
def folds_a_header(connection: socket.socket, request: bytes) -> None:
    """Tries: to continue a header on the next line. Must come out: not_http."""
    connection.sendall(OK + b"A: b\r\n Content-Length: 2\r\n\r\n" + MOVE)


@hostile()
def sends_nul_in_a_header(connection: socket.socket, request: bytes) -> None:
    """Tries: to cut a header short for whoever reads strings of C. Must come out: not_http."""
    connection.sendall(OK + b"A: b\x00c\r\n\r\n" + MOVE)


@hostile()
def counts_backwards(connection: socket.socket, request: bytes) -> None:
    """Tries: to give a negative length. Must come out: not_http."""
    connection.sendall(OK + b"Content-Length: -1\r\n\r\n" + MOVE)


@hostile()
def breaks_off(connection: socket.socket, request: bytes) -> None:
    """Tries: to have half an answer taken for one. Must come out: broken."""
    connection.sendall(OK + b'Content-Length: 99\r\n\r\n{"action": 0}')


@hostile()
def resets(connection: socket.socket, request: bytes) -> None:
    """Tries: to end the connection with a reset. Must come out: broken."""
    connection.sendall(OK)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@hostile()
def half_closes(connection: socket.socket, request: bytes) -> None:
    """Tries: to end its half in the middle and hold the other. Must come out: broken."""
    connection.sendall(OK + b"Content-Length: 13\r\n\r\n{")
    connection.shutdown(socket.SHUT_WR)
    hold(connection)


@hostile(reads=False)
def answers_before_it_is_asked(connection: socket.socket, request: bytes) -> None:
    """Tries: to answer a question that it has not read, with nothing. Must come out: no_action."""
    connection.sendall(answer(b"{}"))
    hold(connection)


@hostile()
def answers_twice(connection: socket.socket, request: bytes) -> None:
    """Tries: to slip in the answer to the next question. Must come out: plays."""
    connection.sendall(move(request) + answer(b'{"action": 99}'))


@hostile()
def switches_protocols(connection: socket.socket, request: bytes) -> None:
    """Tries: to go on in another protocol. Must come out: status."""
    connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81\x00")
    hold(connection)


@hostile()
def has_nothing_to_say(connection: socket.socket, request: bytes) -> None:
    """Tries: to answer well, but with nothing. Must come out: status."""
    connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")


@hostile()
def writes_a_page_into_its_status(connection: socket.socket, request: bytes) -> None:
    """Tries: to have markup shown through the reason of its status. Must come out: status."""
    connection.sendall(answer(b"", "500 <script>alert(1)</script>"))

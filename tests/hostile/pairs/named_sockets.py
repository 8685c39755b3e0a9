# Tries: to find the other seat by a name that sockets get. Must come out: plays, action 0.
import contextlib
import socket

SOL_SOCKET, PASSCRED = socket.SOL_SOCKET, 16
one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
for end in (one, other):
    end.setblocking(False)
    with contextlib.suppress(OSError):
        end.setsockopt(SOL_SOCKET, PASSCRED, 1)
    with contextlib.suppress(OSError):
        end.send(b"mine")


def agent(observation):
    got = 0
    for number in range(1 << 12):
        with contextlib.suppress(OSError):
            got += one.sendto(b"hello", b"\0%05x" % number) > 0
    for end in (one, other):
        with contextlib.suppress(OSError):
            while True:
                got += end.recv(100) == b"hello"
    return got

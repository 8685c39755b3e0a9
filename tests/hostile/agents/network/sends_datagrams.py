# Tries: to reach doors of the worker through a pair of sockets. Must come out: plays, action 0.
import contextlib
import socket

OTHERS = ("/run/systemd/journal/socket", "/dev/log", "/run/systemd/notify", "/run/docker.sock")


def attempts(kind, address):
    one, other = socket.socketpair(socket.AF_UNIX, kind)
    yield one.setsockopt, socket.SOL_SOCKET, socket.SO_PASSCRED, 1
    yield one.sendto, b"hello", address
    yield one.sendmsg, [b"hello"], [], 0, address
    yield other.connect, address
    yield other.bind, "\0agent"


def agent(observation):
    sent = 0
    for address in (*observation.unix, *("\0" + name for name in observation.abstract), *OTHERS):
        for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
            for way, *arguments in attempts(kind, address):
                with contextlib.suppress(OSError):
                    sent += way(*arguments) == len(b"hello")
    return sent

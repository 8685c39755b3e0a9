# Tries: to reach the worker's machine by every kind of socket. Must come out: plays, action 0.
import socket

FAMILIES = (
    socket.AF_INET,
    socket.AF_INET6,
    socket.AF_UNIX,
    socket.AF_NETLINK,
    socket.AF_PACKET,
    38,
    40,
)


def agent(observation):
    opened = 0
    for family in FAMILIES:
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW, socket.SOCK_SEQPACKET):
            try:
                socket.socket(family, kind).close()
                opened += 1
            except OSError:
                pass
    return opened

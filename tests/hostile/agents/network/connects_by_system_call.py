# Tries: sockets without Python's help. Must come out: plays, action 0.
import ctypes
import socket
import struct

libc = ctypes.CDLL(None, use_errno=True)
SOCKET, CONNECT, ACCEPT, SENDTO, BIND, LISTEN, ACCEPT4 = 41, 42, 43, 44, 49, 50, 288


def agent(observation):
    port = socket.htons(observation.tcp)
    address = struct.pack("=HHI8x", socket.AF_INET, port, socket.htonl(0x7F000001))
    opened = 0
    for family in range(64):
        for kind in (1, 2, 3, 5):
            for protocol in (0, 6, 17, 255):
                opened += libc.syscall(SOCKET, family, kind, protocol) >= 0
    for number in range(3, 64):
        for call in (CONNECT, BIND):
            opened += libc.syscall(call, number, address, len(address)) >= 0
        opened += libc.syscall(LISTEN, number, 1) >= 0
        opened += libc.syscall(ACCEPT, number, None, None) >= 0
        opened += libc.syscall(ACCEPT4, number, None, None, 2048) >= 0
        opened += libc.syscall(SENDTO, number, b"x", 1, 0, address, len(address)) >= 0
    return opened

"""An agent that tries to break out, and reports what it got. The probe boxes it like a stranger's.

Runs inside, with the standard library only; what it finds is judged by the probe.
"""

import os
import resource
import socket
from collections.abc import Callable
from typing import Any

HIGHEST_DESCRIPTOR = 64


def succeeds(action: Callable[..., Any], *arguments: Any) -> bool:
    try:
        action(*arguments)
    except (OSError, MemoryError):
        return False
    return True


def read(path: str) -> None:
    with open(path, "rb") as file:
        file.read(1)


def is_readable(path: str) -> bool:
    roots = ("", "/proc/1/root", "/proc/self/root", "../..")
    return any(succeeds(read, root + path) for root in roots)


def connect(family: int, address: Any) -> None:
    with socket.socket(family, socket.SOCK_STREAM) as connection:
        connection.settimeout(0.2)
        connection.connect(address)


def write(folder: str) -> None:
    path = os.path.join(folder, "written-by-the-probe")
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY))
    os.unlink(path)


def fork() -> None:
    if os.fork() == 0:
        os._exit(0)
    os.wait()


def agent(observation: Any) -> dict[str, Any]:
    doors = {
        "tcp": (socket.AF_INET, ("127.0.0.1", observation.port)),
        "abstract": (socket.AF_UNIX, f"\0{observation.abstract}"),
    }
    return {
        "read": [path for path in observation.secrets if is_readable(path)],
        "connected": [name for name, door in doors.items() if succeeds(connect, *door)],
        "environment": sorted(os.environ),
        "signalled": succeeds(os.kill, observation.worker, 0),
        "sees_processes": os.path.exists("/proc/1"),
        "forked": succeeds(fork),
        "wrote": [folder for folder in observation.folders if succeeds(write, folder)],
        "wrote_tmp": succeeds(write, "/tmp"),
        "descriptors": [n for n in range(HIGHEST_DESCRIPTOR) if succeeds(os.fstat, n)],
        "uid": os.getuid(),
        "memory": resource.getrlimit(resource.RLIMIT_AS)[1],
        "threads": resource.getrlimit(resource.RLIMIT_NPROC)[1],
        "grabbed": succeeds(bytearray, observation.too_much),
    }

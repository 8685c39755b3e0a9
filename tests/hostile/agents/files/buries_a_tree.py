# Tries: a tree in /tmp that is too deep to remove. Must come out: plays, action 0.
import contextlib
import os


def agent(observation):
    with contextlib.suppress(OSError):
        for _ in range(5000):
            os.mkdir("x" * 255)
            os.chdir("x" * 255)
    os.chdir("/tmp")
    with contextlib.suppress(OSError):
        for _ in range(5000):
            os.mkdir(b"\xff\n\x1b" * 80)
            os.chdir(b"\xff\n\x1b" * 80)
    return 0

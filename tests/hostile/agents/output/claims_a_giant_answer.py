# Tries: to announce an answer of four gigabytes by hand. Must come out: output_limit.
import contextlib
import os


def agent(observation):
    for descriptor in range(3, 64):
        with contextlib.suppress(OSError):
            os.write(descriptor, b"\xff\xff\xff\xff")
    while True:
        pass

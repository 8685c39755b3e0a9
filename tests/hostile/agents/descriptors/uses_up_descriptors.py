# Tries: to hold more descriptors than it may. Must come out: plays, action 0.
import contextlib
import os


def agent(observation):
    held = []
    with contextlib.suppress(OSError):
        while len(held) < 100_000:
            held.append(os.dup(1))
    too_many = len(held) > observation.descriptors
    os.closerange(min(held), max(held) + 1)
    return int(too_many)

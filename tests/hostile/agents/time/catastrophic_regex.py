# Tries: an expression that takes exponential time and holds the lock. Must come out: move_timeout.
import re


def agent(observation):
    return bool(re.match(r"(a+)+$", "a" * 60 + "b"))

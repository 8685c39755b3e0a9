# Tries: to overrun the encoder's stack. Must come out: killed_by_signal or invalid_action.
import sys


def agent(observation):
    sys.setrecursionlimit(2**31 - 1)
    action = []
    for _ in range(500_000):
        action = [action]
    return action

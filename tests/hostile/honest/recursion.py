# Needs: to search deeper than Python's default allows. Must come out: plays, action 5000.
import sys

sys.setrecursionlimit(10_000)


def depth(left):
    return 0 if not left else 1 + depth(left - 1)


def agent(observation):
    return depth(5000)

# Tries: to leave its runner no room to call. Must come out: invalid_action or exception.
import sys


def agent(observation):
    sys.setrecursionlimit(8)
    return [[[[[[[[[[0]]]]]]]]]]

# Needs: to remember its earlier moves. Must come out: plays, action [0,1].
from functools import cache

moves = []


@cache
def value(step):
    return step


def agent(observation):
    moves.append(value(observation["step"]))
    return moves

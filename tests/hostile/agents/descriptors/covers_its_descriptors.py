# Tries: to answer into nothing and to live on. Must come out: protocol_error or exited.
import os


def agent(observation):
    into, _out = os.pipe()
    for number in range(3, 64):
        if number != into:
            os.dup2(into, number)
    return 0

# Tries: to return a set. Must come out: invalid_action.


def agent(observation):
    return {1, 2}

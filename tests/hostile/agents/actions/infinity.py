# Tries: to return less than every number, hidden in a list. Must come out: invalid_action.


def agent(observation):
    return [0, {"x": (1, float("-inf"))}]

# Tries: to return what is not a number. Must come out: invalid_action.


def agent(observation):
    return float("nan")

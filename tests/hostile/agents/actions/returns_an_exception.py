# Tries: to return a fault instead of raising it. Must come out: invalid_action.


def agent(observation):
    return TimeoutError("its opponent's")

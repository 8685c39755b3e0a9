# Tries: to return half of a surrogate pair, which cannot be stored. Must come out: invalid_action.


def agent(observation):
    return "\ud800"

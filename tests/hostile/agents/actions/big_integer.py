# Tries: to return an integer that no database takes. Must come out: invalid_action.


def agent(observation):
    return 2**64

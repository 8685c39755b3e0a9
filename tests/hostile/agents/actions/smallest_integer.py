# Tries: an integer just below those of 64 bits. Must come out: invalid_action.


def agent(observation):
    return [-(2**63) - 1]

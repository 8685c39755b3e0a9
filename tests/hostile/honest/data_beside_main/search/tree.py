"""A module of the agent's own package."""


def best(weights):
    return max(weights)

"""A first agent for identity: it plays the greatest number that is allowed.

Upload it as it is: there is nothing better, and the game is for trying things out.
"""


def agent(obs, config):
    return config.max

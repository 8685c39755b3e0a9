# Tries: two keys that become one. Must come out: plays, action {"1":2}.


def agent(observation):
    return {1: 1, "1": 2}

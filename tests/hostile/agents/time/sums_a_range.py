# Tries: one call in C that never ends. Must come out: move_timeout.


def agent(observation):
    return sum(range(10**15))

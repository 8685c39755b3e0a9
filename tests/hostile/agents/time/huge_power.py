# Tries: one multiplication in C that never looks at signals. Must come out: move_timeout.


def agent(observation):
    return (3 ** (3**16)) % 2

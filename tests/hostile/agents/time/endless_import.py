# Tries: to spend for ever at import. Must come out: startup_timeout.
while True:
    pass


def agent(observation):
    return 0

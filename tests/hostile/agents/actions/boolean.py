# Tries: to pass a truth for a number. Must come out: plays, action true.


def agent(observation):
    return True

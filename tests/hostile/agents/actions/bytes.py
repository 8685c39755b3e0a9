# Tries: to return bytes. Must come out: invalid_action.


def agent(observation):
    return b"\xff\x00"
